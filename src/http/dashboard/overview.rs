//! `GET /`: the state of all tenants at a glance.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use chrono::{DateTime, Utc};

use super::shared::chart::{BarValue, Chart};
use super::shared::layout::{Layout, Section};
use super::shared::paths::tenant_path;
use super::shared::relative_time::{RelativeTime, seconds};
use super::shared::session::DashboardUser;
use crate::domain::finding::StuckReason;
use crate::domain::tenant::{Tenant, TenantStatus};
use crate::domain::verification::Verdict;
use crate::http::AppState;
use crate::http::auth::Reader;
use crate::http::conventions::problem::Problem;
use crate::http::dashboard::shared::status_label::StatusLabel;
use crate::http::dashboard::tenant::approval::{Difference, differences};
use crate::http::web_ui::{render, verification_view};
use crate::service::read;
use crate::service::reverification_state::{BudgetUse, ReverificationState, reverification_state};
use crate::service::stats::{WINDOW, stats};

/// How many stuck tenants, and how many pending approvals, are listed.
const STUCK_LIMIT: usize = 20;

#[derive(Template)]
#[template(path = "dashboard/pages/overview.html")]
struct Page<'a> {
    frame: Layout<'a>,
    reverification: ReverificationPanel,
    counts: Vec<(TenantStatus, i64)>,
    total: i64,
    /// Changes that are waiting for approval, the oldest first.
    approvals: Vec<ApprovalRow>,
    more_approvals: bool,
    stuck: Vec<Stuck>,
    /// There are more stuck tenants than listed.
    more: bool,
    mail_is_on: bool,
    chart: Chart,
    days: i64,
    times: Vec<Times>,
}

/// How re-verification keeps up.
struct ReverificationPanel {
    due: i64,
    /// Since when the one is due that has waited longest.
    due_since: Option<RelativeTime>,
    confirmed_longest_ago: Option<RelativeTime>,
    budgets: Vec<BudgetRow>,
    /// There are budgets of several accounts.
    names_accounts: bool,
    incident: Option<IncidentNotice>,
}

struct BudgetRow {
    service: String,
    account: String,
    /// Calls per second.
    used: String,
    allowed: String,
    /// The share of what is allowed that is used, in percent.
    percent: u32,
    halvings: i32,
    throttled: Option<RelativeTime>,
}

impl ReverificationPanel {
    fn of(state: &ReverificationState, accounts: usize, now: DateTime<Utc>) -> Self {
        let shown = |at| RelativeTime::of(at, now);
        let row = |budget: &BudgetUse| BudgetRow {
            service: <&str>::from(budget.service).to_uppercase(),
            account: budget.account.to_string(),
            used: rate(budget.used),
            allowed: rate(budget.allowed),
            percent: percent(budget.used, budget.allowed),
            halvings: budget.halvings,
            throttled: budget.throttled_at.map(shown),
        };
        Self {
            due: state.due,
            due_since: state.due_since.map(shown),
            confirmed_longest_ago: state.confirmed_longest_ago.map(shown),
            budgets: state.budgets.iter().map(row).collect(),
            names_accounts: accounts > 1,
            incident: state.incident.as_ref().map(|incident| IncidentNotice {
                affected: incident.affected,
                since: shown(incident.started_at),
            }),
        }
    }
}

/// Calls per second, in as many digits as matter.
fn rate(rate: f64) -> String {
    if rate == 0.0 || rate >= 10.0 {
        format!("{rate:.0}")
    } else {
        format!("{rate:.1}")
    }
}

fn percent(used: f64, allowed: f64) -> u32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
    let percent = (100.0 * used / allowed.max(f64::MIN_POSITIVE)).clamp(0.0, 999.0).round() as u32;
    percent
}

struct IncidentNotice {
    affected: u32,
    since: RelativeTime,
}

pub(crate) struct Stuck {
    pub path: String,
    pub name: String,
    pub slug: String,
    pub status: TenantStatus,
    pub since: RelativeTime,
    pub on: ProblemView,
}

/// What blocks a tenant, in words.
pub(crate) struct ProblemView {
    pub check: Option<String>,
    pub text: String,
    /// How many other checks failed.
    pub others: usize,
}

struct ApprovalRow {
    path: String,
    name: String,
    slug: String,
    version: i32,
    since: RelativeTime,
    changes: Vec<Difference>,
}

struct Times {
    verdict: Verdict,
    count: i64,
    median: String,
    most: String,
}

impl ProblemView {
    pub(crate) fn new(tenant: &Tenant, complaint: Option<&StuckReason>, reader: verification_view::MessageContext<'_>) -> Self {
        let Some(complaint) = complaint else {
            let text = match tenant.status() {
                TenantStatus::Verifying => "The verification has not finished.",
                TenantStatus::Invited => "Nothing submitted yet.",
                _ => "",
            };
            return Self {
                check: None,
                text: text.to_owned(),
                others: 0,
            };
        };
        Self {
            check: Some(complaint.check.to_string()),
            text: reader.text(&complaint.summary),
            others: tenant.failing_checks.iter().filter(|check| **check != complaint.check).count(),
        }
    }
}

pub(crate) async fn handle(
    State(state): State<AppState>,
    DashboardUser(session, ..): DashboardUser<Reader>,
    Query(query): Query<super::shared::notice::PageQuery>,
) -> Result<Response, Problem> {
    let context = &state.context;
    let now = context.clock.now();
    let counted = stats(context).await?;
    let state_of_reverification = reverification_state(context).await?;
    let words = verification_view::MessageContext::operations(&context.vendor);
    let limit = i64::try_from(STUCK_LIMIT + 1).unwrap_or(i64::MAX);
    let mut stuck = read::tenants::stuck(context, limit).await?;
    let more = stuck.len() > STUCK_LIMIT;
    stuck.truncate(STUCK_LIMIT);
    let ids: Vec<_> = stuck.iter().map(|tenant| tenant.id).collect();
    let complaints = read::tenants::stuck_reasons(context, &ids).await?;
    let named = stuck.iter().map(|tenant| Stuck {
        path: tenant_path(tenant),
        name: tenant.name.to_string(),
        slug: tenant.slug.to_string(),
        status: tenant.status(),
        since: RelativeTime::of(tenant.status_since, now),
        on: ProblemView::new(tenant, complaints.get(&tenant.id), words),
    });
    let mut pending = read::approvals::pending(context, None, limit).await?;
    let more_approvals = pending.len() > STUCK_LIMIT;
    pending.truncate(STUCK_LIMIT);
    let approvals = pending.iter().map(|pending| ApprovalRow {
        // An offboarded tenant has no pending approval.
        path: format!("/tenants/{}", pending.slug),
        name: pending.name.to_string(),
        slug: pending.slug.to_string(),
        version: pending.approval.config.version,
        since: RelativeTime::of(pending.approval.requested_at, now),
        changes: differences(pending.active.as_ref(), &pending.approval.config),
    });
    let failing = counted.failing_checks.into_iter().map(|(check, count)| BarValue {
        label: check.to_string(),
        claim: words.claim(check),
        count,
        href: format!("/tenants?failing_check={check}"),
    });
    let times = counted.verifications.into_iter().map(|times| Times {
        verdict: times.verdict,
        count: times.count,
        median: times.p50_seconds.map_or_else(|| "–".to_owned(), seconds),
        most: times.p95_seconds.map_or_else(|| "–".to_owned(), seconds),
    });
    Ok(render(&Page {
        frame: Layout {
            notice: query.notice(),
            ..Layout::new(&state, &session, Section::Overview, "Overview")
        },
        reverification: ReverificationPanel::of(&state_of_reverification, context.vendor.accounts().len(), now),
        total: counted.tenants.iter().map(|(_, count)| count).sum(),
        counts: counted.tenants,
        approvals: approvals.collect(),
        more_approvals,
        stuck: named.collect(),
        more,
        mail_is_on: context.mail.is_some(),
        chart: Chart::of(failing.collect()),
        days: WINDOW.num_days(),
        times: times.collect(),
    }))
}
