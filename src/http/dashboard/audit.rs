//! `GET /audit`: the audit log, newest first.

use askama::Template;
use axum::extract::{Query, State as Extract};
use axum::response::Response;
use serde::Deserialize;

use super::entries::Told;
use super::frame::{Frame, Part};
use super::person::Reader;
use crate::domain::ids::TenantRef;
use crate::http::State;
use crate::http::problem::Problem;
use crate::http::site::render;
use crate::service::read;

/// On one page.
const LIMIT: usize = 50;

#[derive(Debug, Deserialize)]
pub struct Asked {
    tenant: Option<String>,
    before: Option<i64>,
}

#[derive(Template)]
#[template(path = "dashboard/pages/audit.html")]
struct Page<'a> {
    frame: Frame<'a>,
    /// As it was typed.
    typed: &'a str,
    /// None goes by it.
    unknown: bool,
    entries: Vec<Told>,
    older: Option<String>,
    newest: Option<String>,
}

pub async fn handle(Extract(state): Extract<State>, Reader(person): Reader, Query(asked): Query<Asked>) -> Result<Response, Problem> {
    let context = &state.context;
    let typed = asked.tenant.as_deref().map(str::trim).filter(|typed| !typed.is_empty());
    let tenant = match typed.map(TenantRef::parse) {
        Some(Ok(tenant)) => read::tenant(context, &tenant).await?,
        _ => None,
    };
    let unknown = typed.is_some() && tenant.is_none();
    let limit = i64::try_from(LIMIT + 1).unwrap_or(i64::MAX);
    let mut entries = if unknown {
        Vec::new()
    } else {
        read::latest_audit(context, tenant.map(|tenant| tenant.id), asked.before, limit).await?
    };
    let more = entries.len() > LIMIT;
    entries.truncate(LIMIT);
    let with = |before: Option<i64>| {
        let pairs = [
            ("tenant", typed.map(str::to_owned)),
            ("before", before.map(|before| before.to_string())),
        ];
        let given: Vec<_> = pairs.into_iter().filter(|(_, value)| value.is_some()).collect();
        format!("/audit?{}", serde_urlencoded::to_string(given).unwrap_or_default())
    };
    let now = context.clock.now();
    Ok(render(&Page {
        frame: Frame::new(&state, &person, Part::Audit, "Audit log"),
        typed: typed.unwrap_or_default(),
        unknown,
        older: entries.last().filter(|_| more).map(|last| with(Some(last.position))),
        newest: asked.before.map(|_| with(None)),
        entries: entries.iter().map(|entry| Told::of(entry, now)).collect(),
    }))
}
