//! `GET /tokens`: API tokens, ended ones too.

use askama::Template;
use axum::extract::{Query, State as Extract};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::create_token::TokenForm;
use super::frame::{Frame, Part};
use super::moment::Moment;
use super::notice::Notice;
use super::person::{Administrator, Person};
use crate::domain::text::FieldError;
use crate::domain::token::Token;
use crate::http::State;
use crate::http::page::PageParams;
use crate::http::problem::Problem;
use crate::http::site::{render, sentence};
use crate::service::authenticate::token_list;

#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    cursor: Option<String>,
    done: Option<String>,
}

#[derive(Template)]
#[template(path = "dashboard/pages/tokens.html")]
struct Page<'a> {
    frame: Frame<'a>,
    rows: Vec<Row>,
    next: Option<String>,
    typed: &'a TokenForm,
    faults: Vec<(String, String)>,
}

struct Row {
    id: String,
    name: String,
    role: String,
    /// A class and a word.
    state: (&'static str, &'static str),
    created: Moment,
    expires: Option<Moment>,
    used: Option<Moment>,
    limited: Option<usize>,
}

impl Row {
    fn of(token: Token, now: DateTime<Utc>) -> Self {
        let moment = |at: Option<DateTime<Utc>>| at.map(|at| Moment::of(at, now));
        Self {
            state: match (token.revoked_at, token.expires_at) {
                (Some(_), _) => ("offboarded", "Revoked"),
                (None, Some(at)) if at <= now => ("offboarded", "Expired"),
                _ => ("active", "Good"),
            },
            id: token.id.to_string(),
            role: token.role.to_string(),
            name: token.name,
            created: Moment::of(token.created_at, now),
            expires: moment(token.expires_at),
            used: moment(token.last_used_at),
            limited: token.tenants.map(|tenants| tenants.len()),
        }
    }

    fn is_good(&self) -> bool {
        self.state.1 == "Good"
    }
}

pub async fn handle(
    Extract(state): Extract<State>,
    Administrator(person): Administrator,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    shown(&state, &person, &asked, &TokenForm::default(), &[]).await
}

/// The list, and the form for a new one with what was typed.
pub async fn shown(state: &State, person: &Person, asked: &Asked, typed: &TokenForm, faults: &[FieldError]) -> Result<Response, Problem> {
    let now = state.context.clock.now();
    let wanted = PageParams::new(None, asked.cursor.clone()).wanted("tokens".into())?;
    let after = wanted.after.map(|(at, id)| (at, id.into()));
    let tokens = token_list(&state.context, after, wanted.fetch()).await?;
    let listed = wanted.page(tokens, |token| (token.created_at, token.id.as_uuid()), |token| Row::of(token, now));
    let page = Page {
        frame: Frame {
            notice: Notice::of(asked.done.as_deref()),
            ..Frame::new(state, person, Part::Tokens, "Tokens")
        },
        rows: listed.items,
        next: listed.next_cursor.map(|cursor| format!("/tokens?cursor={cursor}")),
        typed,
        faults: faults.iter().map(|fault| (fault.field.clone(), sentence(&fault.detail))).collect(),
    };
    let status = if faults.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    Ok((status, render(&page)).into_response())
}
