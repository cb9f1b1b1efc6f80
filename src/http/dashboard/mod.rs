//! The dashboard for the vendor's operations team, on the private listener. A folder for each subject, a file for each page
//! or action, and the HTML templates in `pages/`.
//!
//! It offers what `/v1` offers, through the same services. Every page works without JavaScript: each change is a form post
//! that is answered with a redirect.

mod audit;
mod documents;
mod drift;
mod overview;
mod session;
mod shared;
mod tenant;
mod tenants;
mod tokens;
mod verifications;
mod webhooks;

use std::net::IpAddr;

use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tower_http::csrf::{CsrfLayer, ProtectionError};

use super::AppState;
use super::routes::Routes;
use super::web_ui::assets::{CSS, Files, ICON, JAVASCRIPT, SCRIPT, STYLE, SVG};
use super::web_ui::csrf;
use super::web_ui::{lock_down, require_https, theme};
use crate::http::conventions::problem::{Problem, ProblemKind};
use crate::http::conventions::request_id::RequestId;
use crate::http::middleware::client_address;
use crate::rate_limiter::Limiter;
use crate::settings::WebSettings;
use session::sign_in;
use shared::error_page;

const OWN_STYLE: &[u8] = include_bytes!("assets/dashboard.css");

/// State that only the dashboard needs.
#[derive(Debug)]
pub struct DashboardState {
    styles: [String; 3],
    scripts: [String; 1],
    icon: String,
    files: Files,
    /// Whether the private listener itself speaks TLS.
    tls: bool,
    /// Per address. Tokens cannot be guessed, but attempts cost database time.
    sign_ins: Limiter<IpAddr>,
}

impl DashboardState {
    pub fn new(web: &WebSettings, tls: bool) -> Self {
        let mut files = Files::under("/assets/");
        Self {
            styles: [
                files.add("site", "css", CSS, STYLE),
                files.add("dashboard", "css", CSS, OWN_STYLE),
                files.add("theme", "css", CSS, theme::style(web.color)),
            ],
            scripts: [files.add("site", "js", JAVASCRIPT, SCRIPT)],
            icon: files.add("icon", "svg", SVG, ICON),
            files,
            tls,
            sign_ins: Limiter::per_minute(10, 10),
        }
    }
}

pub(crate) fn router() -> Routes {
    let pages = Routes::default()
        .get("/", overview::handle)
        .merge(session::router())
        .merge(tenants::router())
        .merge(tenant::router())
        .merge(verifications::router())
        .merge(documents::router())
        .merge(drift::router())
        .merge(audit::router())
        .merge(webhooks::router())
        .merge(tokens::router())
        .layered(|router| router.layer(CsrfLayer::new()));
    Routes::default().get("/assets/{name}", asset).merge(pages)
}

async fn asset(State(state): State<AppState>, Path(name): Path<String>) -> Result<Response, Problem> {
    let found = state.dashboard.files.answer(&name);
    found.ok_or_else(|| Problem::new(ProblemKind::NotFound, "There is nothing at this path."))
}

/// Paths that serve programs: errors below them are problems, not pages.
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

/// The layer around pages, and around unknown paths: renders problems as pages, redirects to the sign-in page, and adds
/// security headers.
pub(crate) async fn error_pages(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if FOR_PROGRAMS.iter().any(|program| {
        path.strip_prefix(program)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }) {
        return next.run(request).await;
    }
    let id = request.extensions().get::<RequestId>().map(ToString::to_string).unwrap_or_default();
    let shows_pages = accepts_pages(request.headers());
    let back = sign_in::return_path(request.method(), request.uri());
    let over_https = is_over_https(&state, &request);
    let mut response = next.run(request).await;
    let extensions = response.extensions_mut();
    if extensions.remove::<ProtectionError>().is_some() {
        response = Problem::new(ProblemKind::Forbidden, csrf::OTHER_SITE).into_response();
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
    if over_https {
        require_https(response.headers_mut());
    }
    response
}

/// Whether a browser sent the request over https, to this listener or to a trusted proxy. Never on loopback, where the other
/// ports are used over http.
pub(crate) fn is_over_https(state: &AppState, request: &Request) -> bool {
    let is_forwarded =
        || client_address::is_forwarded_https(request.extensions(), request.headers(), &state.onboarding.web.trusted_proxies);
    shared::session::is_secure(request.headers()) && (state.dashboard.tls || is_forwarded())
}

/// Whether the client wants a page: browsers accept HTML when they navigate; scripts and streams do not.
fn accepts_pages(headers: &HeaderMap) -> bool {
    let named = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    named
        .flat_map(|value| value.split(','))
        .any(|kind| kind.trim().starts_with("text/html"))
}
