//! `GET /v1/stats`

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::check::CheckName;
use crate::domain::tenant::TenantStatus;
use crate::domain::verification::Verdict;
use crate::http::AppState;
use crate::http::auth::{Authorized, Reader};
use crate::http::conventions::problem::{self, Problem};
use crate::service::stats::{self, stats};

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Stats {
    tenants: Vec<TenantsOfStatus>,
    /// Failed checks in the latest verification of each tenant, most frequent first.
    failing_checks: Vec<FailingCheck>,
    verifications: Verifications,
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

/// Get statistics about tenants, failing checks and verification times
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
    }))
}
