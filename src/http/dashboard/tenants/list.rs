//! `GET /tenants`: the list of tenants, filtered.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use strum::IntoEnumIterator;

use crate::domain::check::CheckName;
use crate::domain::tenant::{ListedTenant, Tenant, TenantOrder, TenantStatus};
use crate::http::AppState;
use crate::http::auth::Reader;
use crate::http::conventions::paging::{ListPage, PageParams};
use crate::http::conventions::problem::Problem;
use crate::http::dashboard::overview::ProblemView;
use crate::http::dashboard::shared::again::AgainView;
use crate::http::dashboard::shared::layout::{Layout, Section};
use crate::http::dashboard::shared::paths::tenant_path;
use crate::http::dashboard::shared::relative_time::RelativeTime;
use crate::http::dashboard::shared::select_options::{SelectOption, TimeOption, choices, is_blank, non_empty, times};
use crate::http::dashboard::shared::session::DashboardUser;
use crate::http::dashboard::shared::status_label::StatusLabel;
use crate::http::tenant_list_params::TenantListParams;
use crate::http::web_ui::{render, sentence, verification_view};
use crate::service::read;

/// The number of tenants per page.
const LIMIT: i64 = 50;

/// The query parameters. An empty field does not filter.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
pub(crate) struct PageQuery {
    #[serde(skip_serializing_if = "is_blank")]
    status: Option<String>,
    #[serde(skip_serializing_if = "is_blank")]
    q: Option<String>,
    #[serde(skip_serializing_if = "is_blank")]
    mode: Option<String>,
    #[serde(skip_serializing_if = "is_blank")]
    failing_check: Option<String>,
    #[serde(skip_serializing_if = "is_blank")]
    confirmed_before: Option<String>,
    #[serde(skip_serializing_if = "is_blank")]
    verified_in_full_before: Option<String>,
    #[serde(skip_serializing_if = "is_blank")]
    documents: Option<String>,
    #[serde(skip_serializing_if = "is_blank")]
    cursor: Option<String>,
}

#[derive(Template)]
#[template(path = "dashboard/pages/tenants.html")]
struct TenantListPage<'a> {
    frame: Layout<'a>,
    q: &'a str,
    statuses: Vec<SelectOption>,
    modes: Vec<SelectOption>,
    checks: Vec<SelectOption>,
    confirmed: Vec<TimeOption>,
    verified_in_full: Vec<TimeOption>,
    order: TenantOrder,
    /// Only tenants with outdated documents.
    outdated: bool,
    filtered: bool,
    rows: Vec<TenantRow>,
    faults: Vec<String>,
    next: Option<String>,
    first: Option<String>,
}

struct TenantRow {
    path: String,
    name: String,
    slug: String,
    reference: Option<String>,
    status: TenantStatus,
    since: RelativeTime,
    again: Option<AgainView>,
    created: RelativeTime,
    on: Option<ProblemView>,
}

/// What "not confirmed for" offers.
const CONFIRMED: [(&str, &str); 5] = [
    ("1h", "1 hour"),
    ("6h", "6 hours"),
    ("1day", "1 day"),
    ("7days", "7 days"),
    ("30days", "30 days"),
];
const VERIFIED_IN_FULL: [(&str, &str); 4] = [("1day", "1 day"), ("7days", "7 days"), ("30days", "30 days"), ("90days", "90 days")];

/// Whether the latest verification matters for the tenant's current status.
fn is_verification_relevant(tenant: &Tenant) -> bool {
    !matches!(tenant.status(), TenantStatus::Invited | TenantStatus::Offboarded)
}

impl PageQuery {
    fn params(&self) -> TenantListParams {
        let non_empty = |text| non_empty(text).map(str::to_owned);
        TenantListParams {
            status: non_empty(&self.status),
            q: non_empty(&self.q),
            mode: non_empty(&self.mode),
            failing_check: non_empty(&self.failing_check),
            confirmed_before: non_empty(&self.confirmed_before),
            verified_in_full_before: non_empty(&self.verified_in_full_before),
            documents: non_empty(&self.documents),
            document_version_below: None,
            limit: Some(LIMIT),
            cursor: non_empty(&self.cursor),
        }
    }

    fn is_filtered(&self) -> bool {
        [
            &self.status,
            &self.q,
            &self.mode,
            &self.failing_check,
            &self.confirmed_before,
            &self.verified_in_full_before,
            &self.documents,
        ]
        .into_iter()
        .any(|filter| !is_blank(filter))
    }

    /// The URL of the same list, starting at another position.
    fn from(&self, cursor: Option<String>) -> String {
        let query = Self { cursor, ..self.clone() };
        match serde_urlencoded::to_string(&query) {
            Ok(query) if !query.is_empty() => format!("/tenants?{query}"),
            _ => "/tenants".to_owned(),
        }
    }
}

pub(crate) async fn handle(
    State(state): State<AppState>,
    DashboardUser(session, ..): DashboardUser<Reader>,
    Query(query): Query<PageQuery>,
) -> Result<Response, Problem> {
    let context = &state.context;
    let now = context.clock.now();
    let mut faults = Vec::new();
    let params = query.params();
    let filter = params.filter_with_documents(context, &mut faults).await?;
    let wanted = PageParams::new(params.limit, params.cursor.clone()).validate(format!("tenants {filter:?}"), &mut faults);
    let found = match wanted.filter(|_| faults.is_empty()) {
        Some(wanted) => {
            let after = wanted.after.map(|(at, id)| (at, id.into()));
            let tenants = read::tenants::list(context, &filter, after, wanted.fetch()).await?;
            wanted.page(
                tenants,
                |listed| (listed.listed_by(filter.order()), listed.tenant.id.as_uuid()),
                |listed| listed,
            )
        }
        None => ListPage {
            items: Vec::new(),
            next_cursor: None,
        },
    };
    let ids: Vec<_> = found
        .items
        .iter()
        .filter(|listed| is_verification_relevant(&listed.tenant))
        .map(|listed| listed.tenant.id)
        .collect();
    let complaints = read::tenants::stuck_reasons(context, &ids).await?;
    let rows = found.items.iter().map(|ListedTenant { tenant, reverification }| TenantRow {
        path: tenant_path(tenant),
        name: tenant.name.to_string(),
        slug: tenant.slug.to_string(),
        reference: tenant.reference.clone(),
        status: tenant.status(),
        since: RelativeTime::of(tenant.status_since, now),
        again: reverification.map(|last| AgainView::of(last, now)),
        created: RelativeTime::of(tenant.created_at, now),
        on: complaints.get(&tenant.id).map(|complaint| {
            ProblemView::new(
                tenant,
                Some(complaint),
                verification_view::MessageContext::operations(&state.context.vendor),
            )
        }),
    });
    Ok(render(&TenantListPage {
        q: params.q.as_deref().unwrap_or_default(),
        statuses: choices(TenantStatus::iter(), params.status.as_deref()),
        modes: choices(context.vendor.modes().into_iter(), params.mode.as_deref()),
        checks: choices(CheckName::iter(), params.failing_check.as_deref()),
        outdated: params.documents.is_some(),
        confirmed: times(&CONFIRMED, params.confirmed_before.as_deref()),
        verified_in_full: times(&VERIFIED_IN_FULL, params.verified_in_full_before.as_deref()),
        order: filter.order(),
        filtered: query.is_filtered(),
        rows: rows.collect(),
        faults: faults.iter().map(|fault| sentence(&fault.detail)).collect(),
        next: found.next_cursor.map(|cursor| query.from(Some(cursor))),
        first: params.cursor.is_some().then(|| query.from(None)),
        frame: Layout::new(&state, &session, Section::Tenants, "Tenants"),
    }))
}
