//! `/mail/…`: the pages that links in mails lead to. Opening one changes nothing, because mail scanners open every link: its button does.
//!
//! The secret in the link is the proof, so no session is needed. A mail program that stops mail with one click (RFC 8058) posts to the
//! same URL.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::request::Parts;
use axum::response::Response;

use super::layout::Layout;
use super::rejection::Rejection;
use crate::domain::contact::{Contact, ContactLinkPurpose};
use crate::domain::invite::InviteToken;
use crate::domain::tenant::Tenant;
use crate::http::AppState;
use crate::http::conventions::extract::record_tenant;
use crate::http::conventions::request_id::RequestId;
use crate::http::web_ui::render;
use crate::service::Caller;
use crate::service::mail::links::{self, ContactLinkError};

#[derive(Template)]
#[template(path = "onboarding/pages/contact_link.html")]
struct Page<'a> {
    frame: Layout<'a>,
    tenant: &'a str,
    /// The address, in part: the link may have been forwarded.
    address: String,
    state: PageState,
    token: &'a str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PageState {
    AsksToConfirm,
    Confirmed,
    AsksToStop,
    Stopped,
}

impl Page<'_> {
    fn asks_to_confirm(&self) -> bool {
        self.state == PageState::AsksToConfirm
    }

    fn is_confirmed(&self) -> bool {
        self.state == PageState::Confirmed
    }

    fn asks_to_stop(&self) -> bool {
        self.state == PageState::AsksToStop
    }
}

impl From<ContactLinkError> for Rejection {
    fn from(error: ContactLinkError) -> Self {
        match error {
            ContactLinkError::Unknown => Self::UnknownLink,
            ContactLinkError::Expired => Self::Expired,
            ContactLinkError::Offboarded => Self::Offboarded,
            ContactLinkError::Store(error) => error.into(),
        }
    }
}

pub(crate) async fn confirm_page(State(state): State<AppState>, Path(token): Path<String>) -> Result<Response, Rejection> {
    shown(&state, &token, ContactLinkPurpose::Confirm).await
}

pub(crate) async fn confirm(State(state): State<AppState>, Path(token): Path<String>, parts: Parts) -> Result<Response, Rejection> {
    links::confirm(&state.context, &caller(&state, &parts), &InviteToken::from_text(&token)).await?;
    shown(&state, &token, ContactLinkPurpose::Confirm).await
}

pub(crate) async fn stop_page(State(state): State<AppState>, Path(token): Path<String>) -> Result<Response, Rejection> {
    shown(&state, &token, ContactLinkPurpose::Stop).await
}

pub(crate) async fn stop(State(state): State<AppState>, Path(token): Path<String>, parts: Parts) -> Result<Response, Rejection> {
    links::stop(&state.context, &caller(&state, &parts), &InviteToken::from_text(&token)).await?;
    shown(&state, &token, ContactLinkPurpose::Stop).await
}

pub(crate) async fn resume(State(state): State<AppState>, Path(token): Path<String>, parts: Parts) -> Result<Response, Rejection> {
    links::resume(&state.context, &caller(&state, &parts), &InviteToken::from_text(&token)).await?;
    shown(&state, &token, ContactLinkPurpose::Stop).await
}

async fn shown(state: &AppState, token: &str, purpose: ContactLinkPurpose) -> Result<Response, Rejection> {
    let (contact, tenant): (Contact, Tenant) = links::look_up(&state.context, &InviteToken::from_text(token), purpose).await?;
    record_tenant(tenant.id);
    let (page, title) = match (purpose, contact.confirmed_at, contact.stopped_at) {
        (ContactLinkPurpose::Confirm, Some(_), None) => (PageState::Confirmed, "Address confirmed"),
        (ContactLinkPurpose::Confirm, ..) => (PageState::AsksToConfirm, "Confirm your address"),
        (ContactLinkPurpose::Stop, _, None) => (PageState::AsksToStop, "Stop messages"),
        (ContactLinkPurpose::Stop, _, Some(_)) => (PageState::Stopped, "Messages stopped"),
    };
    Ok(render(&Page {
        frame: Layout::without_session(state, title),
        tenant: tenant.name.as_str(),
        address: contact.email.masked(),
        state: page,
        token,
    }))
}

/// From where the request came. The link tells who the actor is.
fn caller(state: &AppState, parts: &Parts) -> Caller {
    Caller {
        request_id: parts.extensions.get::<RequestId>().map(ToString::to_string),
        address: Some(state.client(&parts.extensions, &parts.headers)),
        ..Caller::system()
    }
}
