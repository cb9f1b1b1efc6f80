//! `GET /drift`: what changed at the storage of all tenants, newest first, filtered.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use strum::IntoEnumIterator;

use super::view::DriftRow;
use crate::domain::check::CheckName;
use crate::http::AppState;
use crate::http::auth::Reader;
use crate::http::conventions::paging::{ListPage, PageParams};
use crate::http::conventions::problem::Problem;
use crate::http::dashboard::shared::layout::{Layout, Section};
use crate::http::dashboard::shared::select_options::{SelectOption, TimeOption, choices, is_blank, non_empty, times};
use crate::http::dashboard::shared::session::DashboardUser;
use crate::http::drift_list_params::DriftListParams;
use crate::http::web_ui::verification_view::MessageContext;
use crate::http::web_ui::{render, sentence};
use crate::service::read;

/// The number of drifts per page.
const LIMIT: i64 = 50;

const SINCE: [(&str, &str); 4] = [
    ("1h", "In the last hour"),
    ("24h", "In the last 24 hours"),
    ("7days", "In the last 7 days"),
    ("30days", "In the last 30 days"),
];

/// The query parameters. An empty field does not filter.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
pub(crate) struct PageQuery {
    #[serde(skip_serializing_if = "is_blank")]
    tenant: Option<String>,
    #[serde(skip_serializing_if = "is_blank")]
    check: Option<String>,
    #[serde(skip_serializing_if = "is_blank")]
    since: Option<String>,
    #[serde(skip_serializing_if = "is_blank")]
    cursor: Option<String>,
}

#[derive(Template)]
#[template(path = "dashboard/pages/drift.html")]
struct Page<'a> {
    frame: Layout<'a>,
    /// As entered.
    tenant: &'a str,
    checks: Vec<SelectOption>,
    since: Vec<TimeOption>,
    filtered: bool,
    faults: Vec<String>,
    /// There is no tenant with the entered ID or slug.
    unknown: bool,
    drifts: Vec<DriftRow>,
    next: Option<String>,
    first: Option<String>,
}

impl PageQuery {
    fn params(&self) -> DriftListParams {
        let non_empty = |text| non_empty(text).map(str::to_owned);
        DriftListParams {
            tenant: non_empty(&self.tenant),
            check: non_empty(&self.check),
            since: non_empty(&self.since),
            limit: Some(LIMIT),
            cursor: non_empty(&self.cursor),
        }
    }

    /// The URL of the same list, starting at another position.
    fn from(&self, cursor: Option<String>) -> String {
        let query = Self { cursor, ..self.clone() };
        format!("/drift?{}", serde_urlencoded::to_string(query).unwrap_or_default())
    }
}

pub(crate) async fn handle(
    State(state): State<AppState>,
    DashboardUser(session, ..): DashboardUser<Reader>,
    Query(query): Query<PageQuery>,
) -> Result<Response, Problem> {
    let context = &state.context;
    let now = context.clock.now();
    let reader = MessageContext::operations(&context.vendor);
    let mut faults = Vec::new();
    let params = query.params();
    let filter = params.filter(&state, &mut faults).await?;
    let wanted = PageParams::new(params.limit, params.cursor.clone()).validate(format!("drift {filter:?}"), &mut faults);
    let found = match (wanted, &filter) {
        (Some(wanted), Some(filter)) if faults.is_empty() => {
            let after = wanted.after.map(|(at, id)| (at, id.into()));
            let drifts = read::drifts::list(context, filter, after, wanted.fetch()).await?;
            wanted.page(
                drifts,
                |found| (found.drift.found_at, found.drift.id.as_uuid()),
                |found| DriftRow::of(&found, reader, now),
            )
        }
        _ => ListPage {
            items: Vec::new(),
            next_cursor: None,
        },
    };
    Ok(render(&Page {
        frame: Layout::new(&state, &session, Section::Drift, "Drift"),
        tenant: params.tenant.as_deref().unwrap_or_default(),
        checks: choices(CheckName::iter(), params.check.as_deref()),
        since: times(&SINCE, params.since.as_deref()),
        filtered: params.tenant.is_some() || params.check.is_some() || params.since.is_some(),
        faults: faults.iter().map(|fault| sentence(&fault.detail)).collect(),
        unknown: filter.is_none(),
        drifts: found.items,
        next: found.next_cursor.map(|cursor| query.from(Some(cursor))),
        first: params.cursor.is_some().then(|| query.from(None)),
    }))
}
