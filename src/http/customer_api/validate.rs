//! `POST /customer/v1/validate`

use axum::Json;
use axum::extract::State;

use super::auth::Customer;
use crate::http::AppState;
use crate::http::conventions::extract::JsonBody;
use crate::http::conventions::problem::{self, Problem};
use crate::http::tenant_requests::judgement::ConfigJudgement;
use crate::http::tenant_requests::submission::SubmitStorageConfig;
use crate::service::validate_config::validate_for_customer;

/// Validate a submission without storing it
///
/// Does not call AWS. The response says what was not judged.
#[utoipa::path(
    operation_id = "validateStorageConfig",
    post, path = "/customer/v1/validate", tag = "storage configs", request_body = SubmitStorageConfig,
    responses(
        (status = 200, body = ConfigJudgement),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    customer: Customer,
    body: JsonBody<SubmitStorageConfig>,
) -> Result<Json<ConfigJudgement>, Problem> {
    let submission = body.submission();
    let validated = validate_for_customer(&state.context, &customer.tenant, &submission)?;
    Ok(Json(ConfigJudgement::new(&submission, validated)))
}
