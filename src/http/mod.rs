//! The two listeners: what each serves, and nothing of the one on the other.

mod address;
mod auth;
pub mod dashboard;
mod etag;
mod extract;
mod health;
mod idempotency;
mod internal;
pub mod listen;
pub mod live;
pub mod onboard;
mod openapi;
mod ops;
mod page;
pub mod problem;
mod request;
mod scrape;
mod site;
mod traffic;
mod views;

use std::net::IpAddr;
use std::ops::Deref;
use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::http::{Extensions, HeaderMap};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Router, middleware};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::csrf::{CsrfLayer, ProtectionError};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::SwaggerUi;

use internal::Lane;
use live::Live;
use problem::{Kind, Problem};
use request::{Panic, Surround};
use traffic::Listener;

use crate::directory::Directory;
use crate::identity_provider::IdentityProvider;
use crate::service::Context;
use crate::service::credentials::Vault;

/// The largest body that is read.
const MAX_BODY: usize = 64 * 1024;

/// What the handlers are handed. It is cloned for every request, by each layer that looks at it: so it is one reference.
#[derive(Debug, Clone)]
pub struct State(Arc<Shared>);

/// What all requests have in common.
#[derive(Debug)]
pub struct Shared {
    pub context: Context,
    pub live: Live,
    /// What internal services ask for.
    pub directory: Directory,
    pub vault: Vault,
    /// None where people and services have API tokens alone.
    pub identity_provider: Option<IdentityProvider>,
    pub metrics: PrometheusHandle,
    /// Cancelled when the process is to stop: streams end then.
    pub stop: CancellationToken,
    /// What the customer's form needs beside that.
    pub desk: Arc<onboard::Desk>,
    /// What the dashboard needs beside that.
    pub office: Arc<dashboard::Office>,
}

impl State {
    /// The address that a request comes from.
    fn client(&self, extensions: &Extensions, headers: &HeaderMap) -> IpAddr {
        address::of(extensions, headers, &self.desk.front.trusted_proxies)
    }

    /// An invite's link, of its token.
    ///
    /// # Errors
    /// While nobody said where customers come in.
    fn onboard_url(&self, token: &str) -> Result<String, Problem> {
        let base = self.desk.front.public_url.as_ref().ok_or_else(|| {
            Problem::new(
                Kind::Conflict,
                "Latchkey was not told under which URL customers reach it: set LATCHKEY_PUBLIC_URL.",
            )
        })?;
        Ok(format!("{base}onboard/{token}"))
    }
}

impl From<Shared> for State {
    fn from(shared: Shared) -> Self {
        Self(Arc::new(shared))
    }
}

impl Deref for State {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

/// The API's routes with their description; those of ops are dressed.
fn api(dress: impl FnOnce(OpenApiRouter<State>) -> OpenApiRouter<State>) -> (Router<State>, OpenApi) {
    let ops = dress(ops::router());
    let (router, mut described) = openapi::router().merge(ops).merge(internal::router()).split_for_parts();
    openapi::complete(&mut described);
    (router, described)
}

/// The API's description, as `openapi.json` has it.
pub fn openapi() -> OpenApi {
    api(std::convert::identity).1
}

/// What customers reach, through the internet.
pub fn public(state: State) -> Router {
    let router = Router::new().route("/healthz", get(health::live)).merge(onboard::router(&state));
    let dress = middleware::from_fn_with_state(state.clone(), onboard::dress);
    let surround = Surround(Listener::new("public", state.context.clock.clone()));
    nothing_else(router)
        .layer((surround, dress, catch(), DefaultBodyLimit::max(MAX_BODY)))
        .with_state(state)
}

/// What vendor ops and internal services reach, from inside.
pub fn private(state: State) -> Lane {
    // What internal services ask changes nothing, and is to be fast: it goes without what others need.
    let once = middleware::from_fn_with_state(state.clone(), idempotency::once);
    let (api, openapi) = api(|ops| ops.layer(csrf()).route_layer(once).layer(DefaultBodyLimit::max(MAX_BODY)));
    let programs = api
        .route("/healthz", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(scrape::handle))
        .route("/problems/{name}", get(problem::page))
        .merge(SwaggerUi::new("/docs").url("/openapi.json", openapi));
    let dress = middleware::from_fn_with_state(state.clone(), dashboard::dress);
    // The layers around each part, the outermost first, are one: each by itself would cost every request some allocations.
    let listener = Listener::new("private", state.context.clock.clone());
    let surround = Surround(listener.clone());
    let people = nothing_else(dashboard::router()).layer((surround.clone(), dress, catch(), DefaultBodyLimit::max(MAX_BODY)));
    let router = no_other_method(programs).layer(surround).merge(people).with_state(state.clone());
    Lane::beside(router, state, listener)
}

/// A proxy that hands a JWT on does so for requests too that a browser sends on behalf of another site. These are refused;
/// programs do not say where they come from.
fn csrf() -> CsrfLayer<impl FnMut(ProtectionError) -> Response + Clone> {
    CsrfLayer::new().with_rejection_response(|_: ProtectionError| {
        Problem::new(Kind::Forbidden, "A page of another site sent this request.").into_response()
    })
}

/// With an answer for whatever else is asked.
fn nothing_else(router: Router<State>) -> Router<State> {
    no_other_method(router).fallback(|| async { Problem::new(Kind::NotFound, "There is nothing at this path.") })
}

fn no_other_method(router: Router<State>) -> Router<State> {
    router.method_not_allowed_fallback(|| async { Problem::new(Kind::MethodNotAllowed, "This path does not have that method.") })
}

/// Of what goes wrong, people are told by a page: so it is caught inside of what makes pages.
fn catch() -> CatchPanicLayer<fn(Panic) -> Response> {
    CatchPanicLayer::custom(|panic| request::broken(&panic).into_response())
}
