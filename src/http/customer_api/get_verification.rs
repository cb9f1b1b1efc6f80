//! `GET /customer/v1/verifications/{id}`

use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use utoipa::IntoParams;

use super::auth::Customer;
use super::lookup::find_verification;
use crate::domain::ids::VerificationId;
use crate::domain::message::Audience;
use crate::domain::text::FieldError;
use crate::domain::verification::{Verification, VerificationState};
use crate::http::AppState;
use crate::http::conventions::extract::{InPath, Params};
use crate::http::conventions::problem::{self, Problem};
use crate::http::customer_limits::RequestSlot;
use crate::http::verification_stream;
use crate::http::views::VerificationView;

/// Shorter than the listener's time limit.
const LONGEST_WAIT: u64 = 20;

/// When to ask for a verification that has not finished.
const ASK_AGAIN: i64 = 2;
/// The longest time until then: an attempt can also be repeated earlier than planned.
const ASK_AGAIN_AT_LATEST: i64 = 10;

/// The headers of a response that has queued a verification.
pub(super) type VerificationHeaders = [(HeaderName, String); 2];

pub(super) fn queued(id: VerificationId) -> VerificationHeaders {
    [
        (header::LOCATION, format!("/customer/v1/verifications/{id}")),
        (header::RETRY_AFTER, ASK_AGAIN.to_string()),
    ]
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct WaitParams {
    /// How many seconds to wait for the verification to finish, 0 to 20.
    #[param(maximum = 20, default = 0)]
    wait: Option<u64>,
}

impl WaitParams {
    fn wait(&self) -> Result<Duration, Problem> {
        let wait = self.wait.unwrap_or(0);
        if wait > LONGEST_WAIT {
            let detail = format!("wait must be between 0 and {LONGEST_WAIT} seconds");
            return Err(Problem::validation(vec![FieldError::new("wait", "out_of_range", detail)]));
        }
        Ok(Duration::from_secs(wait))
    }
}

/// Get a verification and its checks
///
/// It is complete once `state` is `finished`; then `verdict` says whether the storage is verified. With `wait`, the response comes as soon
/// as it has finished, or after this time. Until it has finished, `Retry-After` says when to ask again.
#[utoipa::path(
    operation_id = "getVerification",
    get, path = "/customer/v1/verifications/{id}", tag = "verifications",
    params(("id" = String, Path, description = "The verification's ID"), WaitParams),
    responses(
        (status = 200, body = VerificationView, headers(
            ("retry-after" = u32, description = "When to ask again, in seconds, until it has finished"),
        )),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    customer: Customer,
    Extension(slot): Extension<RequestSlot>,
    InPath(id): InPath<VerificationId>,
    Params(params): Params<WaitParams>,
) -> Result<Response, Problem> {
    let wait = params.wait()?;
    let mut verification = find_verification(&state, &customer, id).await?;
    if !wait.is_zero() && verification.state != VerificationState::Finished {
        slot.free();
        verification_stream::wait_until_finished(&state, customer.stream_reader(), id, wait).await?;
        // The token may have been revoked meanwhile.
        let customer = customer.again(&state).await?;
        verification = find_verification(&state, &customer, id).await?;
    }
    let mut headers = HeaderMap::new();
    if let Some(seconds) = ask_again(&verification, state.context.clock.now()) {
        headers.insert(header::RETRY_AFTER, seconds.into());
    }
    let view = VerificationView::new(verification, &state.context.vendor, Audience::Customer);
    Ok((headers, Json(view)).into_response())
}

/// In how many seconds to ask again. None if it has finished.
fn ask_again(verification: &Verification, now: DateTime<Utc>) -> Option<i64> {
    if verification.state == VerificationState::Finished {
        return None;
    }
    let planned = verification.next_attempt_at.map_or(0, |at| (at - now).num_seconds());
    Some(planned.clamp(ASK_AGAIN, ASK_AGAIN_AT_LATEST))
}
