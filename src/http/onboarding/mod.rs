//! `/onboard`: the customers' form, on the public listener, and `/mail`: the pages that links in mails lead to. One file per operation; the HTML templates are in `pages/`.
//!
//! Every page works without JavaScript. With it, `assets/form.js` fetches the same pages again and replaces the parts that
//! changed, so everything is rendered in one place.

mod apply;
mod assets;
mod check;
mod contact_links;
mod contacts;
mod download;
mod error_page;
mod events;
mod labels;
mod layout;
mod limits;
mod merge;
mod open;
mod rejection;
mod removal;
mod send;
mod session;
mod status;
mod submit;
mod update;
mod verify;
mod verify_again;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request, State};
use axum::http::header;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use tokio::sync::OwnedSemaphorePermit;
use tower_http::csrf::{CsrfLayer, ProtectionError};

use super::AppState;
use super::routes::Routes;
use super::web_ui::{lock_down, require_https};
use crate::http::conventions::extract::unreadable_body;
use crate::http::conventions::problem::Problem;
use crate::http::conventions::request_id::RequestId;
use crate::settings::WebSettings;
use assets::Assets;
use limits::Limits;
use rejection::Rejection;

/// State that only the form needs.
#[derive(Debug)]
pub struct OnboardState {
    pub web: WebSettings,
    assets: Assets,
    limits: Limits,
}

impl OnboardState {
    pub fn new(web: WebSettings) -> Self {
        Self {
            assets: Assets::new(&web),
            limits: Limits::default(),
            web,
        }
    }
}

pub(crate) fn router(state: &AppState) -> Routes {
    let pages = Routes::default()
        .get("/onboard", status::handle)
        .get("/onboard/{token}", open::handle)
        .post("/onboard/{token}", open::replace)
        .get("/onboard/apply", apply::handle)
        .get("/onboard/documents/{name}", download::handle)
        .get("/onboard/merge", merge::elsewhere)
        .post("/onboard/merge", merge::handle)
        .get("/onboard/send", send::handle)
        .post("/onboard/send", submit::handle)
        .post("/onboard/send/check", check::handle)
        .get("/onboard/verify", verify::handle)
        .post("/onboard/verify", verify_again::handle)
        .get("/onboard/verify/events", events::handle)
        .post("/onboard/contacts", contacts::add)
        .post("/onboard/contacts/{id}/remove", contacts::remove)
        .get("/mail/confirm/{token}", contact_links::confirm_page)
        .post("/mail/confirm/{token}", contact_links::confirm)
        .get("/mail/stop/{token}", contact_links::stop_page)
        .post("/mail/stop/{token}", contact_links::stop)
        .post("/mail/resume/{token}", contact_links::resume)
        .layered(|router| {
            router
                .layer(csrf(&state.onboarding.web))
                .layer(middleware::from_fn_with_state(state.clone(), limit))
        });
    Routes::default().get("/onboard/assets/{name}", assets::handle).merge(pages)
}

fn csrf(web: &WebSettings) -> CsrfLayer {
    let layer = CsrfLayer::new();
    let origin = web.public_url.as_ref().map(|url| url.origin().ascii_serialization());
    match origin {
        Some(origin) => layer.clone().add_trusted_origin(&origin).unwrap_or(layer),
        None => layer,
    }
}

async fn limit(State(state): State<AppState>, request: Request, next: Next) -> Response {
    match admit(&state, request).await {
        Ok((_permit, request)) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    }
}

/// Admits a request. Its body is received first, so that slow clients do not take the places of others.
async fn admit(state: &AppState, request: Request) -> Result<(OwnedSemaphorePermit, Request), Rejection> {
    let limits = &state.onboarding.limits;
    limits.address(state.client(request.extensions(), request.headers()))?;
    let (parts, body) = request.into_parts();
    let body = Bytes::from_request(Request::from_parts(parts.clone(), body), state)
        .await
        .map_err(|rejection| unreadable_body(&rejection))?;
    Ok((limits.request()?, Request::from_parts(parts, Body::from(body))))
}

/// The layer around the public listener: renders rejections as pages, and adds security headers.
pub(crate) async fn error_pages(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let id = request.extensions().get::<RequestId>().map(ToString::to_string);
    let mut response = next.run(request).await;
    let extensions = response.extensions_mut();
    let refusal = extensions
        .remove::<Rejection>()
        .or_else(|| extensions.remove::<Problem>().map(Rejection::from))
        .or_else(|| extensions.remove::<ProtectionError>().map(|_| Rejection::StaleForm));
    if let Some(refusal) = refusal {
        let allow = response.headers_mut().remove(header::ALLOW);
        response = error_page::page(&refusal, &state, id.as_deref());
        if let Some(allow) = allow {
            response.headers_mut().insert(header::ALLOW, allow);
        }
    }
    let headers = response.headers_mut();
    lock_down(headers);
    if state.onboarding.web.is_secure() {
        require_https(headers);
    }
    response
}
