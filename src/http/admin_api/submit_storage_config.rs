//! `POST /v1/tenants/{tenant}/storage-configs`

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};

use crate::domain::ids::TenantRef;
use crate::domain::verification::VerificationState;
use crate::http::AppState;
use crate::http::auth::{Authorized, Operator};
use crate::http::conventions::extract::{InPath, JsonBody};
use crate::http::conventions::problem::{self, Problem, ProblemKind};
use crate::http::tenant_requests::submission::{SubmitStorageConfig, Submitted};
use crate::service::submit_config::{SubmitConfigError, submit_config};

impl From<SubmitConfigError> for Problem {
    fn from(error: SubmitConfigError) -> Self {
        match error {
            SubmitConfigError::UnknownTenant(_) => Self::unknown_tenant(),
            SubmitConfigError::Offboarded => Self::offboarded(),
            SubmitConfigError::NeedsChangeInvite | SubmitConfigError::InviteEnded(_) => {
                Self::new(ProblemKind::Forbidden, "This invite does not allow a submission.")
            }
            SubmitConfigError::Invalid(errors) => Self::validation(errors),
            SubmitConfigError::LimitReached(limit) => limit.into(),
            SubmitConfigError::Store(error) => error.into(),
        }
    }
}

/// Submit a storage config
///
/// Creates the tenant's next version and queues its verification.
#[utoipa::path(
    operation_id = "createStorageConfig",
    post, path = "/v1/tenants/{tenant}/storage-configs", tag = "storage configs",
    params(("tenant" = String, Path, description = "ID or slug")), request_body = SubmitStorageConfig,
    responses(
        (status = 202, body = Submitted, headers(("location", description = "The URL of the verification"))),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    Authorized(caller, ..): Authorized<Operator>,
    InPath(tenant): InPath<TenantRef>,
    body: JsonBody<SubmitStorageConfig>,
) -> Result<(StatusCode, [(header::HeaderName, String); 1], Json<Submitted>), Problem> {
    let submission = body.submission();
    let (config, verification) = submit_config(&state.context, &caller, &tenant, &submission).await?;
    let submitted = Submitted::new(&submission, config, (verification, VerificationState::Queued));
    let location = format!("/v1/verifications/{verification}");
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], Json(submitted)))
}
