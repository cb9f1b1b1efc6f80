//! The two listeners: what each serves, and nothing of the one on the other.

mod admin_api;
mod auth;
pub mod conventions;
pub mod dashboard;
mod health;
mod metrics_endpoint;
mod middleware;
pub mod onboarding;
mod openapi;
pub mod server;
mod service_api;
pub mod verification_notifications;
mod views;
mod web_ui;

use std::net::IpAddr;
use std::ops::Deref;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{Extensions, HeaderMap};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::csrf::{CsrfLayer, ProtectionError};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::SwaggerUi;

use conventions::idempotency;
use conventions::problem::{self, Problem, ProblemKind};
use middleware::client_address;
use middleware::http_metrics::ListenerMetrics;
use middleware::request_layer::{self, Panic, RequestLayer};
use service_api::FastPath;
use verification_notifications::VerificationNotifications;

use crate::identity_provider::IdentityProvider;
use crate::read_model::ReadModel;
use crate::service::Context;
use crate::service::credential_cache::CredentialCache;

/// The largest body that is read.
const MAX_BODY: usize = 64 * 1024;

/// What the handlers are handed. It is cloned for every request, by each layer that looks at it: so it is one reference.
#[derive(Debug, Clone)]
pub struct AppState(Arc<AppParts>);

/// What all requests have in common.
#[derive(Debug)]
pub struct AppParts {
    pub context: Context,
    pub live: VerificationNotifications,
    /// What internal services ask for.
    pub directory: ReadModel,
    pub credentials: CredentialCache,
    /// None where people and services have API tokens alone.
    pub identity_provider: Option<IdentityProvider>,
    pub metrics: PrometheusHandle,
    /// Cancelled when the process is to stop: streams end then.
    pub stop: CancellationToken,
    /// What the customer's form needs beside that.
    pub desk: Arc<onboarding::OnboardState>,
    /// What the dashboard needs beside that.
    pub office: Arc<dashboard::DashboardState>,
}

impl AppState {
    /// The address that a request comes from.
    fn client(&self, extensions: &Extensions, headers: &HeaderMap) -> IpAddr {
        client_address::of(extensions, headers, &self.desk.front.trusted_proxies)
    }

    /// An invite's link, of its token.
    ///
    /// # Errors
    /// While nobody said where customers come in.
    fn onboard_url(&self, token: &str) -> Result<String, Problem> {
        let base = self.desk.front.public_url.as_ref().ok_or_else(|| {
            Problem::new(
                ProblemKind::Conflict,
                "Latchkey was not told under which URL customers reach it: set LATCHKEY_PUBLIC_URL.",
            )
        })?;
        Ok(format!("{base}onboard/{token}"))
    }
}

impl From<AppParts> for AppState {
    fn from(shared: AppParts) -> Self {
        Self(Arc::new(shared))
    }
}

impl Deref for AppState {
    type Target = AppParts;

    fn deref(&self) -> &AppParts {
        &self.0
    }
}

/// The API's routes with their description; those of ops are dressed.
fn api(dress: impl FnOnce(OpenApiRouter<AppState>) -> OpenApiRouter<AppState>) -> (Router<AppState>, OpenApi) {
    let ops = dress(admin_api::router());
    let (router, mut described) = openapi::router().merge(ops).merge(service_api::router()).split_for_parts();
    openapi::complete(&mut described);
    (router, described)
}

/// The API's description, as `openapi.json` has it.
pub fn openapi() -> OpenApi {
    api(std::convert::identity).1
}

/// What customers reach, through the internet.
pub fn public(state: AppState) -> Router {
    let router = Router::new().route("/healthz", get(health::live)).merge(onboarding::router(&state));
    let dress = from_fn_with_state(state.clone(), onboarding::dress);
    let surround = RequestLayer(ListenerMetrics::new("public", state.context.clock.clone()));
    nothing_else(router)
        .layer((surround, dress, catch(), DefaultBodyLimit::max(MAX_BODY)))
        .with_state(state)
}

/// What vendor ops and internal services reach, from inside.
pub fn private(state: AppState) -> FastPath {
    // What internal services ask changes nothing, and is to be fast: it goes without what others need.
    let once = from_fn_with_state(state.clone(), idempotency::once);
    let (api, openapi) = api(|ops| ops.layer(csrf()).route_layer(once).layer(DefaultBodyLimit::max(MAX_BODY)));
    let programs = api
        .route("/healthz", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(metrics_endpoint::handle))
        .route("/problems/{name}", get(problem::page))
        .merge(SwaggerUi::new("/docs").url("/openapi.json", openapi));
    let dress = from_fn_with_state(state.clone(), dashboard::dress);
    // The layers around each part, the outermost first, are one: each by itself would cost every request some allocations.
    let listener = ListenerMetrics::new("private", state.context.clock.clone());
    let surround = RequestLayer(listener.clone());
    let people = nothing_else(dashboard::router()).layer((surround.clone(), dress, catch(), DefaultBodyLimit::max(MAX_BODY)));
    let router = no_other_method(programs).layer(surround).merge(people).with_state(state.clone());
    FastPath::beside(router, state, listener)
}

/// A proxy that hands a JWT on does so for requests too that a browser sends on behalf of another site. These are refused;
/// programs do not say where they come from.
fn csrf() -> CsrfLayer<impl FnMut(ProtectionError) -> Response + Clone> {
    CsrfLayer::new().with_rejection_response(|_: ProtectionError| {
        Problem::new(ProblemKind::Forbidden, "A page of another site sent this request.").into_response()
    })
}

/// With an answer for whatever else is asked.
fn nothing_else(router: Router<AppState>) -> Router<AppState> {
    no_other_method(router).fallback(|| async { Problem::new(ProblemKind::NotFound, "There is nothing at this path.") })
}

fn no_other_method(router: Router<AppState>) -> Router<AppState> {
    router.method_not_allowed_fallback(|| async { Problem::new(ProblemKind::MethodNotAllowed, "This path does not have that method.") })
}

/// Of what goes wrong, people are told by a page: so it is caught inside of what makes pages.
fn catch() -> CatchPanicLayer<fn(Panic) -> Response> {
    CatchPanicLayer::custom(|panic| request_layer::broken(&panic).into_response())
}
