//! `/onboard`: the customers' form, on the public listener, and `/mail`: the pages that links in mails lead to. One file per operation; the HTML templates are in `pages/`.
//!
//! Every page works without JavaScript. With it, `assets/form.js` fetches the same pages again and replaces the parts that
//! changed, so everything is rendered in one place.

mod api_token;
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

use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use tower_http::csrf::{CsrfLayer, ProtectionError};

use super::routes::Routes;
use super::web_ui::{lock_down, require_https};
use super::{AppState, customer_api, customer_limits};
use crate::http::conventions::problem::Problem;
use crate::http::conventions::request_id::RequestId;
use crate::settings::WebSettings;
use assets::Assets;
use rejection::Rejection;

/// State that only the form needs.
#[derive(Debug)]
pub struct OnboardState {
    pub web: WebSettings,
    assets: Assets,
}

impl OnboardState {
    pub fn new(web: WebSettings) -> Self {
        Self {
            assets: Assets::new(&web),
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
        .post("/onboard/api-token", api_token::handle)
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
    match customer_limits::admit(&state, request).await {
        Ok((_slot, request)) => next.run(request).await,
        Err(problem) => Rejection::from(problem).into_response(),
    }
}

/// The layer around the public listener: renders rejections as pages for browsers and as problems for programs, and adds security headers.
pub(crate) async fn error_pages(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let id = request.extensions().get::<RequestId>().map(ToString::to_string);
    let is_for_programs = customer_api::serves(request.uri().path());
    let mut response = next.run(request).await;
    let extensions = response.extensions_mut();
    let rendered = if is_for_programs {
        extensions
            .remove::<Problem>()
            .map(|problem| problem.render(id.as_deref().unwrap_or_default()))
    } else {
        let refusal = extensions
            .remove::<Rejection>()
            .or_else(|| extensions.remove::<Problem>().map(Rejection::from))
            .or_else(|| extensions.remove::<ProtectionError>().map(|_| Rejection::StaleForm));
        refusal.map(|refusal| error_page::page(&refusal, &state, id.as_deref()))
    };
    if let Some(rendered) = rendered {
        let allow = response.headers_mut().remove(header::ALLOW);
        response = rendered;
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
