//! `POST /v1/validate`

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::submit_storage_config::SubmitStorageConfig;
use crate::domain::account::AccountId;
use crate::http::AppState;
use crate::http::auth::{Authorized, Reader};
use crate::http::conventions::extract::JsonBody;
use crate::http::conventions::problem::{self, Problem};
use crate::service::submit_config::validate;

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Valid {
    valid: bool,
    /// The account that is expected to own the bucket.
    bucket_account_id: AccountId,
}

/// Validate a submission without storing it
///
/// Does not call AWS. Only the format of the external ID is checked, because the request names no tenant.
#[utoipa::path(
    operation_id = "validateStorageConfig",
    post, path = "/v1/validate", tag = "storage configs", request_body = SubmitStorageConfig,
    responses(
        (status = 200, body = Valid),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    _: Authorized<Reader>,
    body: JsonBody<SubmitStorageConfig>,
) -> Result<Json<Valid>, Problem> {
    let storage = validate(&state.context, &body.submission()).map_err(Problem::validation)?;
    Ok(Json(Valid {
        valid: true,
        bucket_account_id: storage.bucket_account,
    }))
}
