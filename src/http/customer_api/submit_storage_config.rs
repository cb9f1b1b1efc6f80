//! `POST /customer/v1/storage-configs`

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::ToSchema;

use super::auth::Customer;
use super::get_verification::{VerificationHeaders, queued};
use super::refusal;
use crate::domain::idempotency::IdempotencyClaim;
use crate::http::AppState;
use crate::http::conventions::extract::JsonBody;
use crate::http::conventions::problem::{self, Problem};
use crate::http::tenant_requests::submission::{SubmitStorageConfig, Submitted};
use crate::service::submit_by_customer::submit_by_customer;
use crate::service::validate_config::validate_for_customer;

/// The version, and the verification that was queued for it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CustomerSubmitted {
    /// False if these were the values of the newest version, which is verified again instead.
    is_new: bool,
    #[serde(flatten)]
    submitted: Submitted,
}

/// Submit a storage config
///
/// Creates the next version and queues its verification. The values of the newest version again create no new one: they verify it again,
/// or return its verification that is queued or running. So a program can submit each time that it runs.
#[utoipa::path(
    operation_id = "createStorageConfig",
    post, path = "/customer/v1/storage-configs", tag = "storage configs", request_body = SubmitStorageConfig,
    responses(
        (status = 202, body = CustomerSubmitted, headers(
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
    body: JsonBody<SubmitStorageConfig>,
) -> Result<(StatusCode, VerificationHeaders, Json<CustomerSubmitted>), Problem> {
    let submission = body.submission();
    // Only what causes a verification counts.
    validate_for_customer(&state.context, &customer.tenant, &submission)?;
    state.limits.verification(customer.invite.id)?;
    let caller = customer.caller(claim.map(|Extension(claim)| claim));
    let made = submit_by_customer(&state.context, &caller, &customer.tenant, &submission)
        .await
        .map_err(|error| refusal::of_submission(error, &state.context.vendor.name))?;
    let submitted = CustomerSubmitted {
        is_new: made.is_new,
        submitted: Submitted::new(&submission, made.config, (made.verification, made.state)),
    };
    Ok((StatusCode::ACCEPTED, queued(made.verification), Json(submitted)))
}
