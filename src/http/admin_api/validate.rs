//! `POST /v1/validate`

use axum::Json;
use axum::extract::State as Extract;
use serde::Serialize;
use utoipa::ToSchema;

use super::submit_storage_config::SubmitStorageConfig;
use crate::domain::account::AccountId;
use crate::http::AppState;
use crate::http::auth::Reader;
use crate::http::conventions::extract::JsonBody;
use crate::http::conventions::problem::{self, Problem};
use crate::service::submit_config::validate;

#[derive(Debug, Serialize, ToSchema)]
pub struct Valid {
    valid: bool,
    /// The account that will be expected to own the bucket.
    bucket_account_id: AccountId,
}

/// Judge a submission without storing it
///
/// No call is made to AWS. An external ID is judged by its form alone, since no tenant is named.
#[utoipa::path(
    operation_id = "validateStorageConfig",
    post, path = "/v1/validate", tag = "storage configs", request_body = SubmitStorageConfig,
    responses(
        (status = 200, body = Valid),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub async fn handle(
    Extract(state): Extract<AppState>,
    _reader: Reader,
    body: JsonBody<SubmitStorageConfig>,
) -> Result<Json<Valid>, Problem> {
    let storage = validate(&state.context, &body.submission()).map_err(Problem::validation)?;
    Ok(Json(Valid {
        valid: true,
        bucket_account_id: storage.bucket_account,
    }))
}
