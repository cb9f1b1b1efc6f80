//! `GET /v1/stats`

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::account::AccountId;
use crate::domain::check::CheckName;
use crate::domain::reverification::budget::AwsService;
use crate::domain::tenant::TenantStatus;
use crate::domain::verification::Verdict;
use crate::http::AppState;
use crate::http::auth::{Authorized, Reader};
use crate::http::conventions::problem::{self, Problem};
use crate::service::reverification_state::{ReverificationState, reverification_state};
use crate::service::stats::{self, stats};

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Stats {
    tenants: Vec<TenantsOfStatus>,
    /// Failed checks in the latest verification of each tenant, most frequent first.
    failing_checks: Vec<FailingCheck>,
    verifications: Verifications,
    reverification: ReverificationStats,
}

/// How re-verification keeps up.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReverificationStats {
    /// How many storage configs are due.
    due: i64,
    /// Since when the one is due that has waited longest. Null while none is due.
    due_since: Option<DateTime<Utc>>,
    /// When the active version was last confirmed that was not for longest.
    confirmed_longest_ago: Option<DateTime<Utc>>,
    /// The budget of calls to AWS, by your account and service.
    budgets: Vec<BudgetStats>,
    /// Many re-verifications fail together.
    incident: Option<IncidentStats>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BudgetStats {
    #[schema(value_type = String)]
    account_id: AccountId,
    #[schema(value_type = String, example = "sts")]
    service: AwsService,
    /// Calls per second, over the last minute.
    used: f64,
    /// Calls per second that are allowed now: fewer than configured after throttling.
    allowed: f64,
    /// Calls per second that the settings allow.
    configured: u32,
    /// How often the rate is halved now.
    halvings: i32,
    /// When AWS last throttled a call.
    throttled_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IncidentStats {
    started_at: DateTime<Utc>,
    /// How many re-verifications failed.
    affected: u32,
}

impl From<ReverificationState> for ReverificationStats {
    fn from(state: ReverificationState) -> Self {
        let budgets = state.budgets.into_iter().map(|budget| BudgetStats {
            account_id: budget.account,
            service: budget.service,
            used: budget.used,
            allowed: budget.allowed,
            configured: budget.configured,
            halvings: budget.halvings,
            throttled_at: budget.throttled_at,
        });
        Self {
            due: state.due,
            due_since: state.due_since,
            confirmed_longest_ago: state.confirmed_longest_ago,
            budgets: budgets.collect(),
            incident: state.incident.map(|incident| IncidentStats {
                started_at: incident.started_at,
                affected: incident.affected,
            }),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TenantsOfStatus {
    status: TenantStatus,
    count: i64,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FailingCheck {
    name: CheckName,
    tenants: i64,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Verifications {
    /// The number of days that the statistics cover.
    days: i64,
    by_verdict: Vec<VerificationTimes>,
}

/// Durations from the first attempt to the end.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VerificationTimes {
    verdict: Verdict,
    count: i64,
    p50_seconds: Option<f64>,
    p95_seconds: Option<f64>,
}

/// Get statistics about tenants, failing checks, verification times and re-verification
#[utoipa::path(
    operation_id = "getStats",
    get, path = "/v1/stats", tag = "tenants",
    responses(
        (status = 200, body = Stats),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(State(state): State<AppState>, _: Authorized<Reader>) -> Result<Json<Stats>, Problem> {
    let found = stats(&state.context).await?;
    let reverification = reverification_state(&state.context).await?.into();
    let tenants = found.tenants.into_iter().map(|(status, count)| TenantsOfStatus { status, count });
    let failing_checks = found
        .failing_checks
        .into_iter()
        .map(|(name, tenants)| FailingCheck { name, tenants });
    let by_verdict = found.verifications.into_iter().map(|times| VerificationTimes {
        verdict: times.verdict,
        count: times.count,
        p50_seconds: times.p50_seconds,
        p95_seconds: times.p95_seconds,
    });
    Ok(Json(Stats {
        tenants: tenants.collect(),
        failing_checks: failing_checks.collect(),
        verifications: Verifications {
            days: stats::WINDOW.num_days(),
            by_verdict: by_verdict.collect(),
        },
        reverification,
    }))
}
