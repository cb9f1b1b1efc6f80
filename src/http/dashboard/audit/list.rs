//! `GET /audit`: the audit log, newest first, filtered.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use strum::IntoEnumIterator;

use crate::domain::audit::{AuditAction, AuditFilter};
use crate::domain::ids::TenantRef;
use crate::http::AppState;
use crate::http::auth::Reader;
use crate::http::conventions::problem::Problem;
use crate::http::dashboard::audit::view::AuditRow;
use crate::http::dashboard::shared::layout::{Layout, Section};
use crate::http::dashboard::shared::select_options::{SelectOption, choices, is_blank, non_empty};
use crate::http::dashboard::shared::session::DashboardUser;
use crate::http::web_ui::render;
use crate::service::read;

/// The number of entries per page.
const LIMIT: usize = 50;

/// The query parameters. An empty field does not filter.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct PageQuery {
    #[serde(skip_serializing_if = "is_blank")]
    tenant: Option<String>,
    #[serde(skip_serializing_if = "is_blank")]
    action: Option<String>,
    /// In the format of `Actor::opaque`.
    #[serde(skip_serializing_if = "is_blank")]
    actor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<i64>,
}

#[derive(Template)]
#[template(path = "dashboard/pages/audit.html")]
struct Page<'a> {
    frame: Layout<'a>,
    /// As entered.
    tenant: &'a str,
    actor: &'a str,
    actions: Vec<SelectOption>,
    filtered: bool,
    /// There is no tenant with the entered ID or slug.
    unknown: bool,
    entries: Vec<AuditRow>,
    older: Option<String>,
    newest: Option<String>,
}

impl PageQuery {
    /// The URL of the same list, starting at another position.
    fn from(&self, before: Option<i64>) -> String {
        let query = Self {
            tenant: self.tenant.clone(),
            action: self.action.clone(),
            actor: self.actor.clone(),
            before,
        };
        format!("/audit?{}", serde_urlencoded::to_string(query).unwrap_or_default())
    }
}

/// Without NUL, which the database refuses. No stored text has it.
fn storable(text: &str) -> String {
    text.replace('\0', "")
}

pub(crate) async fn handle(
    State(state): State<AppState>,
    DashboardUser(session, ..): DashboardUser<Reader>,
    Query(query): Query<PageQuery>,
) -> Result<Response, Problem> {
    let context = &state.context;
    let [typed, action, actor] = [&query.tenant, &query.action, &query.actor].map(non_empty);
    let tenant = match typed.map(TenantRef::parse) {
        Some(Ok(tenant)) => read::tenants::find(context, &tenant).await?,
        _ => None,
    };
    let unknown = typed.is_some() && tenant.is_none();
    let filter = AuditFilter {
        tenant: tenant.map(|tenant| tenant.id),
        action: action.map(storable),
        actor: actor.map(storable),
    };
    let limit = i64::try_from(LIMIT + 1).unwrap_or(i64::MAX);
    let mut entries = if unknown {
        Vec::new()
    } else {
        read::audit::latest(context, &filter, query.before, limit).await?
    };
    let more = entries.len() > LIMIT;
    entries.truncate(LIMIT);
    let now = context.clock.now();
    Ok(render(&Page {
        frame: Layout::new(&state, &session, Section::Audit, "Audit log"),
        tenant: typed.unwrap_or_default(),
        actor: actor.unwrap_or_default(),
        actions: choices(AuditAction::iter(), action),
        filtered: typed.or(action).or(actor).is_some(),
        unknown,
        older: entries.last().filter(|_| more).map(|last| query.from(Some(last.position))),
        newest: query.before.map(|_| query.from(None)),
        entries: entries.iter().map(|entry| AuditRow::of(entry, now)).collect(),
    }))
}
