//! `POST /v1/reverifications`

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::audit::AuditReason;
use crate::domain::text::FieldError;
use crate::http::AppState;
use crate::http::auth::{Authorized, Operator};
use crate::http::conventions::extract::JsonBody;
use crate::http::conventions::problem::{self, Problem};
use crate::http::tenant_list_params::TenantListParams;
use crate::service::reverify::requests::{self, LONGEST, Request, Scope};

#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct RequestReverification {
    /// Only tenants with this status. Without any filter, all tenants.
    status: Option<String>,
    /// Search terms. Each must be a prefix of a word in the slug, name or reference.
    q: Option<String>,
    /// Only tenants that may choose this mode.
    mode: Option<String>,
    /// Only tenants whose most recent finished verification failed this check.
    failing_check: Option<String>,
    /// Verify in full within so many seconds, at random times. 0 means now, as fast as the budget of calls to AWS allows.
    #[schema(minimum = 0, maximum = 2_592_000)]
    within_seconds: Option<i64>,
    /// Instead: do not verify again before this time, at most 30 days from now.
    not_before: Option<DateTime<Utc>>,
    /// The reason, for the audit log: one line of 1 to 500 characters.
    #[schema(required, nullable = false, min_length = 1, max_length = 500, example = "New bucket policy")]
    reason: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RequestedReverification {
    /// How many storage configs are concerned.
    storage_configs: u64,
}

/// Bring re-verifications forward, or put them off
///
/// Of the tenants that match every filter. What is due sooner stays due sooner.
#[utoipa::path(
    operation_id = "requestReverification",
    post, path = "/v1/reverifications", tag = "verifications", request_body = RequestReverification,
    responses(
        (status = 200, body = RequestedReverification),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    Authorized(caller, ..): Authorized<Operator>,
    body: JsonBody<RequestReverification>,
) -> Result<Json<RequestedReverification>, Problem> {
    let mut faults = body.unreadable;
    let wanted = body.value;
    let reason = AuditReason::parse(wanted.reason.as_deref().unwrap_or_default());
    let reason = reason.map_err(|malformed| faults.push(FieldError::of("reason", malformed)));
    let request = what(wanted.within_seconds, wanted.not_before, state.context.clock.now(), &mut faults);
    let is_filtered = [&wanted.status, &wanted.q, &wanted.mode, &wanted.failing_check]
        .iter()
        .any(|filter| filter.is_some());
    let filter = TenantListParams {
        status: wanted.status,
        q: wanted.q,
        mode: wanted.mode,
        failing_check: wanted.failing_check,
        ..TenantListParams::default()
    }
    .filter(&mut faults);
    let (Ok(reason), Some(request), true) = (reason, request, faults.is_empty()) else {
        return Err(Problem::validation(faults));
    };
    let scope = if is_filtered { Scope::Filter(filter) } else { Scope::All };
    let storage_configs = requests::request(&state.context, &caller, &scope, request, &reason).await?;
    Ok(Json(RequestedReverification { storage_configs }))
}

/// Exactly one of the two.
fn what(within: Option<i64>, not_before: Option<DateTime<Utc>>, now: DateTime<Utc>, faults: &mut Vec<FieldError>) -> Option<Request> {
    let days = LONGEST.num_days();
    match (within, not_before) {
        (Some(seconds), None) => {
            let over = TimeDelta::try_seconds(seconds).filter(|over| (TimeDelta::zero()..=LONGEST).contains(over));
            if over.is_none() {
                let detail = format!("within_seconds must be between 0 and {} ({days} days)", LONGEST.num_seconds());
                faults.push(FieldError::new("within_seconds", "out_of_range", detail));
            }
            over.map(Request::Within)
        }
        (None, Some(time)) if time > now && time <= now + LONGEST => Some(Request::NotBefore(time)),
        (None, Some(_)) => {
            let detail = format!("not_before must be in the future, at most {days} days from now");
            faults.push(FieldError::new("not_before", "out_of_range", detail));
            None
        }
        (Some(_), Some(_)) => {
            faults.push(FieldError::new(
                "not_before",
                "conflict",
                "send either within_seconds or not_before",
            ));
            None
        }
        (None, None) => {
            faults.push(FieldError::new(
                "within_seconds",
                "required",
                "send either within_seconds or not_before",
            ));
            None
        }
    }
}
