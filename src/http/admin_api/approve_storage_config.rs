//! `POST /v1/tenants/{tenant}/storage-configs/{version}/approve`

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};

use super::reason::{ReasonBody, reason};
use crate::domain::ids::TenantRef;
use crate::domain::message::Audience;
use crate::http::AppState;
use crate::http::auth::{Authorized, Operator};
use crate::http::conventions::extract::{InPath, JsonBody, Version};
use crate::http::conventions::problem::{self, Problem, ProblemKind};
use crate::http::views::VerificationView;
use crate::service::approve_change::{ApproveChangeError, approve};

impl From<ApproveChangeError> for Problem {
    fn from(error: ApproveChangeError) -> Self {
        match error {
            ApproveChangeError::UnknownTenant(_) => Self::unknown_tenant(),
            ApproveChangeError::UnknownVersion => Self::new(ProblemKind::NotFound, "This tenant has no such version."),
            ApproveChangeError::NotPending(None) => Self::new(
                ProblemKind::Conflict,
                "No approval of this version was requested. It is requested once the version is verified.",
            ),
            ApproveChangeError::NotPending(Some(state)) => Self::new(
                ProblemKind::Conflict,
                format!("This version is not waiting for an approval: its approval is {state}."),
            ),
            ApproveChangeError::Store(error) => error.into(),
        }
    }
}

/// Approve a change
///
/// Approves a pending version, which is then verified again and activated if it passes. `LATCHKEY_ACTIVATION_APPROVAL` determines
/// which changes need an approval.
#[utoipa::path(
    operation_id = "approveStorageConfig",
    post, path = "/v1/tenants/{tenant}/storage-configs/{version}/approve", tag = "storage configs",
    params(("tenant" = String, Path, description = "ID or slug"), ("version" = i32, Path, description = "The version number, starting at 1")),
    request_body = ReasonBody,
    responses(
        (status = 202, body = VerificationView, headers(("location", description = "The URL of the verification"))),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    Authorized(caller, ..): Authorized<Operator>,
    InPath(tenant): InPath<TenantRef>,
    InPath(Version(version)): InPath<Version>,
    body: JsonBody<ReasonBody>,
) -> Result<(StatusCode, [(header::HeaderName, String); 1], Json<VerificationView>), Problem> {
    let reason = reason(body)?;
    let queued = approve(&state.context, &caller, &tenant, version, &reason).await?;
    let location = format!("/v1/verifications/{}", queued.id);
    let view = VerificationView::new(queued, &state.context.vendor, Audience::Operations);
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], Json(view)))
}
