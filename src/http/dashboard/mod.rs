//! The dashboard of the vendor's operations, on the private listener: `/` and what is behind it. One file for each page or
//! action; the pages are in `pages/`.
//!
//! It does what `/v1` does, by the same services. Every page works without JavaScript: each change is a form that is posted
//! and answered with a redirect.

mod audit;
mod audit_view;
mod chart;
mod confirm;
mod create_invite;
mod create_token;
mod documents;
mod edit_tenant;
mod erase;
mod error_page;
mod events;
mod invite;
mod layout;
mod message;
mod new_tenant;
mod notice;
mod one_time_secret;
mod overview;
mod relative_time;
mod removal;
mod revoke_invite;
mod revoke_token;
mod rotation;
mod select_options;
mod session;
mod sign_in;
mod sign_out;
mod tenant;
mod tenant_form;
mod tenant_lifecycle;
mod tenants;
mod tokens;
mod verification;
mod verify;
mod webhook;
mod webhooks;

use std::net::IpAddr;

use axum::Router;
use axum::extract::{Path, Request, State as Extract};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tower_http::csrf::{CsrfLayer, ProtectionError};

use super::AppState;
use super::web_ui::assets::{CSS, Files, ICON, JAVASCRIPT, SCRIPT, STYLE, SVG};
use super::web_ui::limits::Limiter;
use super::web_ui::{lock_down, theme};
use crate::domain::tenant::TenantStatus;
use crate::http::conventions::problem::{Problem, ProblemKind};
use crate::http::middleware::request_layer::RequestId;
use crate::settings::WebSettings;
use rotation::{Abandon, EndPrevious, Rotate};
use tenant_lifecycle::{Offboard, Resume, Suspend};

const OWN_STYLE: &[u8] = include_bytes!("assets/dashboard.css");

/// What the dashboard needs beside what every handler is handed.
#[derive(Debug)]
pub struct DashboardState {
    styles: [String; 3],
    scripts: [String; 1],
    icon: String,
    files: Files,
    /// By where they come from: tokens cannot be guessed, but guessing costs others the database's time.
    sign_ins: Limiter<IpAddr>,
}

impl DashboardState {
    pub fn new(front: &WebSettings) -> Self {
        let mut files = Files::under("/assets/");
        Self {
            styles: [
                files.add("site", "css", CSS, STYLE),
                files.add("dashboard", "css", CSS, OWN_STYLE),
                files.add("theme", "css", CSS, theme::style(front.colour)),
            ],
            scripts: [files.add("site", "js", JAVASCRIPT, SCRIPT)],
            icon: files.add("icon", "svg", SVG, ICON),
            files,
            sign_ins: Limiter::per_minute(10, 10),
        }
    }
}

pub fn router() -> Router<AppState> {
    let pages = Router::new()
        .route("/", get(overview::handle))
        .route("/sign-in", get(sign_in::page).post(sign_in::handle))
        .route("/sign-out", post(sign_out::handle))
        .route("/tenants", get(tenants::handle))
        .route("/new-tenant", get(new_tenant::page).post(new_tenant::handle))
        .route("/tenants/{tenant}", get(tenant::handle))
        .route("/tenants/{tenant}/edit", get(edit_tenant::page).post(edit_tenant::handle))
        .route("/tenants/{tenant}/verify", post(verify::handle))
        .route("/tenants/{tenant}/verifications/{id}", get(verification::handle))
        .route("/tenants/{tenant}/verifications/{id}/events", get(events::handle))
        .route("/tenants/{tenant}/message", get(message::handle))
        .route("/tenants/{tenant}/documents", get(documents::handle))
        .route("/tenants/{tenant}/documents/{format}", get(documents::file))
        .route("/tenants/{tenant}/removal", get(removal::handle))
        .route("/tenants/{tenant}/invites", post(create_invite::handle))
        .route("/tenants/{tenant}/invites/{id}", get(invite::handle))
        .route("/tenants/{tenant}/invites/{id}/revoke", post(revoke_invite::handle))
        .route(
            "/tenants/{tenant}/suspend",
            get(tenant_lifecycle::page::<Suspend>).post(tenant_lifecycle::handle::<Suspend>),
        )
        .route(
            "/tenants/{tenant}/resume",
            get(tenant_lifecycle::page::<Resume>).post(tenant_lifecycle::handle::<Resume>),
        )
        .route(
            "/tenants/{tenant}/offboard",
            get(tenant_lifecycle::page::<Offboard>).post(tenant_lifecycle::handle::<Offboard>),
        )
        .route(
            "/tenants/{tenant}/rotate",
            get(rotation::page::<Rotate>).post(rotation::handle::<Rotate>),
        )
        .route(
            "/tenants/{tenant}/abandon",
            get(rotation::page::<Abandon>).post(rotation::handle::<Abandon>),
        )
        .route(
            "/tenants/{tenant}/end-previous",
            get(rotation::page::<EndPrevious>).post(rotation::handle::<EndPrevious>),
        )
        .route("/tenants/{tenant}/erase", get(erase::page).post(erase::handle))
        .route("/audit", get(audit::handle))
        .route("/webhooks", get(webhooks::handle).post(webhooks::create))
        .route("/webhooks/{id}", get(webhook::handle))
        .route("/webhooks/{id}/test", post(webhook::test))
        .route("/webhooks/{id}/rotate-secret", post(webhook::rotate_secret))
        .route("/webhooks/{id}/enable", post(webhook::enable))
        .route("/webhooks/{id}/delete", post(webhook::delete))
        .route("/webhooks/{id}/deliveries/{delivery}/resend", post(webhook::resend))
        .route("/tokens", get(tokens::handle).post(create_token::handle))
        .route("/tokens/{id}", get(create_token::shown))
        .route("/tokens/{id}/revoke", post(revoke_token::handle))
        .layer(CsrfLayer::new());
    Router::new().route("/assets/{name}", get(asset)).merge(pages)
}

async fn asset(Extract(state): Extract<AppState>, Path(name): Path<String>) -> Result<Response, Problem> {
    let found = state.office.files.answer(&name);
    found.ok_or_else(|| Problem::new(ProblemKind::NotFound, "There is nothing at this path."))
}

/// Below which the private listener answers programs: that there is nothing is told them as programs are told.
const FOR_PROGRAMS: [&str; 8] = [
    "/v1",
    "/internal",
    "/docs",
    "/openapi.json",
    "/metrics",
    "/healthz",
    "/readyz",
    "/problems",
];

/// Around everything on the private listener that is for people, and around what is not there: what was refused becomes a page,
/// whoever is not signed in is sent to do so, and browsers are told what a page may do.
pub async fn dress(Extract(state): Extract<AppState>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if FOR_PROGRAMS.iter().any(|program| {
        path.strip_prefix(program)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }) {
        return next.run(request).await;
    }
    let id = request.extensions().get::<RequestId>().map(ToString::to_string).unwrap_or_default();
    let shows_pages = accepts_pages(request.headers());
    let back = sign_in::way_back(request.method(), request.uri());
    let mut response = next.run(request).await;
    let extensions = response.extensions_mut();
    if extensions.remove::<ProtectionError>().is_some() {
        response = Problem::new(ProblemKind::Forbidden, error_page::OTHER_SITE).into_response();
    }
    if shows_pages && let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let allow = response.headers_mut().remove(header::ALLOW);
        response = match problem.kind() {
            ProblemKind::Unauthenticated => sign_in::go(&back).into_response(),
            _ => error_page::page(&state, &problem, &id),
        };
        if let Some(allow) = allow {
            response.headers_mut().insert(header::ALLOW, allow);
        }
    }
    lock_down(response.headers_mut());
    response
}

impl TenantStatus {
    /// As people read it.
    fn words(self) -> &'static str {
        match self {
            Self::Invited => "Invited",
            Self::Verifying => "Verifying",
            Self::ActionRequired => "Action required",
            Self::Active => "Active",
            Self::Degraded => "Degraded",
            Self::Suspended => "Suspended",
            Self::Offboarded => "Offboarded",
        }
    }
}

/// Whether a page is of use to who asks: browsers name HTML when they go somewhere, scripts and streams do not.
fn accepts_pages(headers: &HeaderMap) -> bool {
    let named = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    named
        .flat_map(|value| value.split(','))
        .any(|kind| kind.trim().starts_with("text/html"))
}
