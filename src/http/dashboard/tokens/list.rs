//! `GET /tokens`: API tokens, including expired and revoked ones.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::domain::text::FieldError;
use crate::domain::token::Token;
use crate::http::AppState;
use crate::http::auth::Administrator;
use crate::http::conventions::paging::PageParams;
use crate::http::conventions::problem::Problem;
use crate::http::dashboard::shared::layout::{Layout, Section};
use crate::http::dashboard::shared::notice::Notice;
use crate::http::dashboard::shared::relative_time::RelativeTime;
use crate::http::dashboard::shared::session::{DashboardSession, DashboardUser};
use crate::http::dashboard::tokens::form::{LifetimeOption, TokenForm};
use crate::http::web_ui::status::{Pill, PillColor};
use crate::http::web_ui::{render, sentence};
use crate::service::tokens::{expiring_tokens, token_list};

#[derive(Debug, Default, Deserialize)]
pub(crate) struct PageQuery {
    cursor: Option<String>,
    done: Option<String>,
}

#[derive(Template)]
#[template(path = "dashboard/pages/tokens.html")]
struct Page<'a> {
    frame: Layout<'a>,
    /// The tokens that have to be replaced soon, whatever page is shown.
    expiring: Vec<ExpiringToken>,
    rows: Vec<TokenRow>,
    next: Option<String>,
    typed: &'a TokenForm,
    lifetimes: Vec<LifetimeOption>,
    faults: Vec<(String, String)>,
}

struct ExpiringToken {
    name: String,
    role: String,
    expires: RelativeTime,
}

impl ExpiringToken {
    fn of(token: &Token, now: DateTime<Utc>) -> Option<Self> {
        Some(Self {
            name: token.name.clone(),
            role: token.role.to_string(),
            expires: RelativeTime::of(token.expires_at?, now),
        })
    }
}

struct TokenRow {
    id: String,
    name: String,
    role: String,
    pill: Pill,
    /// Neither revoked nor expired.
    is_valid: bool,
    created: RelativeTime,
    expires: Option<RelativeTime>,
    used: Option<RelativeTime>,
    limited: Option<usize>,
}

impl TokenRow {
    fn of(token: Token, now: DateTime<Utc>) -> Self {
        let valid = token.revoked_at.is_none() && token.expires_at.is_none_or(|at| at > now);
        let moment = |at: Option<DateTime<Utc>>| at.map(|at| RelativeTime::of(at, now));
        Self {
            pill: match token.revoked_at {
                Some(_) => Pill::new(PillColor::Grey, "Revoked"),
                None if token.is_expiring(now) => Pill::new(PillColor::Amber, "Expiring"),
                None if valid => Pill::new(PillColor::Green, "Valid"),
                None => Pill::new(PillColor::Grey, "Expired"),
            },
            is_valid: valid,
            id: token.id.to_string(),
            role: token.role.to_string(),
            name: token.name,
            created: RelativeTime::of(token.created_at, now),
            expires: moment(token.expires_at),
            used: moment(token.last_used_at),
            limited: token.tenants.map(|tenants| tenants.len()),
        }
    }
}

pub(crate) async fn handle(
    State(state): State<AppState>,
    DashboardUser(session, ..): DashboardUser<Administrator>,
    Query(query): Query<PageQuery>,
) -> Result<Response, Problem> {
    shown(&state, &session, &query, &TokenForm::default(), &[]).await
}

/// The list, and the form for a new token with its entries.
pub(crate) async fn shown(
    state: &AppState,
    session: &DashboardSession,
    query: &PageQuery,
    typed: &TokenForm,
    faults: &[FieldError],
) -> Result<Response, Problem> {
    let now = state.context.clock.now();
    let wanted = PageParams::new(None, query.cursor.clone()).wanted("tokens".into())?;
    let after = wanted.after.map(|(at, id)| (at, id.into()));
    let tokens = token_list(&state.context, after, wanted.fetch()).await?;
    let listed = wanted.page(
        tokens,
        |token| (token.created_at, token.id.as_uuid()),
        |token| TokenRow::of(token, now),
    );
    let expiring = expiring_tokens(&state.context).await?;
    let page = Page {
        expiring: expiring.iter().filter_map(|token| ExpiringToken::of(token, now)).collect(),
        frame: Layout {
            notice: Notice::of(query.done.as_deref()),
            ..Layout::new(state, session, Section::Tokens, "Tokens")
        },
        rows: listed.items,
        next: listed.next_cursor.map(|cursor| format!("/tokens?cursor={cursor}")),
        typed,
        lifetimes: typed.lifetimes(state.context.limits.token_lifetime),
        faults: faults.iter().map(|fault| (fault.field.clone(), sentence(&fault.detail))).collect(),
    };
    let status = if faults.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    Ok((status, render(&page)).into_response())
}
