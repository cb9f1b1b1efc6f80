//! `POST /customer/v1/verifications`

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::Deserialize;
use utoipa::ToSchema;

use super::auth::Customer;
use super::get_verification::{VerificationHeaders, queued};
use super::refusal;
use crate::domain::idempotency::IdempotencyClaim;
use crate::domain::message::Audience;
use crate::http::AppState;
use crate::http::conventions::extract::JsonBody;
use crate::http::conventions::problem::{self, Problem};
use crate::http::views::VerificationView;
use crate::service::read;
use crate::service::request_verification::request_verification;

#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct VerifyAgain {
    /// The newest or the active version. Defaults to the newest.
    version: Option<i32>,
}

/// Verify a version again
///
/// If a verification of the same version is queued or running, returns that one.
#[utoipa::path(
    operation_id = "createVerification",
    post, path = "/customer/v1/verifications", tag = "verifications", request_body = Option<VerifyAgain>,
    responses(
        (status = 202, body = VerificationView, headers(
            ("location", description = "The URL of the verification"),
            ("retry-after" = u32, description = "When to ask for it, in seconds"),
        )),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    customer: Customer,
    claim: Option<Extension<IdempotencyClaim>>,
    body: JsonBody<VerifyAgain>,
) -> Result<(StatusCode, VerificationHeaders, Json<VerificationView>), Problem> {
    let version = body.whole()?.version;
    state.limits.verification(customer.invite.id)?;
    let version = match version {
        Some(version) => Some(version),
        None => read::storage_configs::newest(&state.context, customer.tenant.id)
            .await?
            .map(|newest| newest.version),
    };
    let caller = customer.caller(claim.map(|Extension(claim)| claim));
    let verification = request_verification(&state.context, &caller, &customer.tenant_ref(), version)
        .await
        .map_err(|error| refusal::of_verification(error, &state.context.vendor.name))?;
    let headers = queued(verification.id);
    let view = VerificationView::new(verification, &state.context.vendor, Audience::Customer);
    Ok((StatusCode::ACCEPTED, headers, Json(view)))
}
