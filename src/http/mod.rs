//! The two listeners. The public one serves the customers' form and their API; the private one serves the admin API, the internal API, the
//! dashboard and the metrics. Neither serves the other's routes.

mod admin_api;
mod api_docs;
mod auth;
pub(crate) mod conventions;
mod customer_api;
mod customer_limits;
pub(crate) mod dashboard;
mod drift_list_params;
mod health;
mod lookup;
mod metrics_endpoint;
mod middleware;
pub(crate) mod onboarding;
mod openapi;
mod permits;
mod routes;
pub mod server;
mod service_api;
mod tenant_list_params;
mod tenant_requests;
pub(crate) mod verification_stream;
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
use metrics_exporter_prometheus::PrometheusHandle;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::csrf::{CsrfLayer, ProtectionError};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use conventions::problem::{self, Problem, ProblemKind};
use customer_limits::CustomerLimits;
use middleware::client_address;
use middleware::http_metrics::ListenerMetrics;
use middleware::idempotency;
use middleware::request_layer::{self, Panic, RequestLayer};
use middleware::time_limit::{self, TimeLimit};
use routes::Routes;
use service_api::FastPath;
use verification_stream::VerificationStreams;

use crate::identity_provider::IdentityProvider;
use crate::read_model::ReadModel;
use crate::service::credential_cache::CredentialCache;
use crate::service::issuances::IssuanceLog;
use crate::service::process_presence::ProcessPresence;
use crate::service::reverify::reports::DenialReports;
use crate::service::{Context, Pools};

pub use routes::{ListedRoutes, Route};

/// The largest request body that is accepted, in bytes.
const MAX_BODY: usize = 64 * 1024;

/// The state that handlers extract. Every layer clones it for every request, so it is a single reference.
#[derive(Debug, Clone)]
pub struct AppState(Arc<AppParts>);

/// State that all requests share.
#[derive(Debug, Clone)]
pub struct AppParts {
    pub context: Context,
    /// For metrics.
    pub pools: Pools,
    pub streams: VerificationStreams,
    /// What the internal API serves.
    pub read_model: ReadModel,
    pub credentials: CredentialCache,
    pub issuances: IssuanceLog,
    pub reports: Arc<DenialReports>,
    /// None if only API tokens are accepted.
    pub identity_provider: Option<IdentityProvider>,
    pub metrics: PrometheusHandle,
    pub presence: ProcessPresence,
    /// Cancelled when the process shuts down, which ends event streams.
    pub shutdown: CancellationToken,
    /// Of the customers' form and API.
    pub limits: Arc<CustomerLimits>,
    /// State of the customers' form.
    pub onboarding: Arc<onboarding::OnboardState>,
    /// State of the dashboard.
    pub dashboard: Arc<dashboard::DashboardState>,
}

impl AppState {
    /// The same state with another context.
    #[must_use]
    pub fn with_context(&self, context: Context) -> Self {
        Self::from(AppParts {
            context,
            ..AppParts::clone(self)
        })
    }

    /// The client's address.
    fn client(&self, extensions: &Extensions, headers: &HeaderMap) -> IpAddr {
        client_address::of(extensions, headers, &self.onboarding.web.trusted_proxies)
    }

    /// The link of an invite.
    ///
    /// # Errors
    /// When the public URL is not configured.
    fn onboard_url(&self, token: &str) -> Result<String, Problem> {
        let base = self
            .onboarding
            .web
            .public_url
            .as_ref()
            .ok_or_else(|| Problem::new(ProblemKind::Conflict, "The public URL is not configured. Set LATCHKEY_PUBLIC_URL."))?;
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

/// The routes of the private APIs and their OpenAPI document. `layer` wraps the routes of the admin API.
fn api(layer: impl FnOnce(OpenApiRouter<AppState>) -> OpenApiRouter<AppState>) -> (Routes, OpenApi) {
    let admin = layer(admin_api::router());
    let (router, mut described) = openapi::router().merge(admin).merge(service_api::router()).split_for_parts();
    openapi::complete(&mut described);
    (Routes::of_api(router, &described), described)
}

/// The OpenAPI document of the private APIs, as committed in `openapi.json`.
pub fn openapi() -> OpenApi {
    api(std::convert::identity).1
}

/// The OpenAPI document of the customers' API, as committed in `openapi-customer.json`.
pub fn customer_openapi() -> OpenApi {
    customer_api::api(std::convert::identity).1
}

/// The routes of both listeners, in the order of their declaration.
pub fn routes(state: &AppState) -> ListedRoutes {
    ListedRoutes {
        public: people(state).into_list(),
        customer_programs: customer_api::router(state).into_list(),
        programs: programs(state).into_list(),
        dashboard: dashboard::router().into_list(),
    }
}

fn people(state: &AppState) -> Routes {
    Routes::default()
        .get("/healthz", health::live)
        .get("/problems/{name}", problem::page)
        .merge(onboarding::router(state))
}

fn customers(state: &AppState) -> Routes {
    people(state).merge(customer_api::router(state))
}

fn programs(state: &AppState) -> Routes {
    // The internal API changes nothing and has to be fast, so it skips the admin API's layers.
    let idempotent = from_fn_with_state(state.clone(), idempotency::layer);
    let (api, openapi) = api(|ops| ops.layer(csrf()).route_layer(idempotent).layer(DefaultBodyLimit::max(MAX_BODY)));
    api.get("/healthz", health::live)
        .get("/readyz", health::ready)
        .get("/metrics", metrics_endpoint::handle)
        .get("/problems/{name}", problem::page)
        .merge(api_docs::router(state, openapi))
}

/// The public listener, which customers reach through the internet.
pub fn public(state: AppState) -> Router {
    let error_pages = from_fn_with_state(state.clone(), onboarding::error_pages);
    let request_layer = RequestLayer(ListenerMetrics::new("public", state.context.clock.clone()));
    with_fallbacks(customers(&state).into_router())
        .layer((
            request_layer,
            error_pages,
            catch_panics(),
            TimeLimit(time_limit::PUBLIC),
            DefaultBodyLimit::max(MAX_BODY),
        ))
        .with_state(state)
}

/// The private listener, for the vendor's operations and services.
pub fn private(state: AppState) -> FastPath {
    let error_pages = from_fn_with_state(state.clone(), dashboard::error_pages);
    // Layers are combined in tuples, outermost first: each one added by itself costs every request some allocations.
    let listener = ListenerMetrics::new("private", state.context.clock.clone());
    let request_layer = RequestLayer(listener.clone());
    let time_limit = TimeLimit(time_limit::PRIVATE);
    let people = with_fallbacks(dashboard::router().into_router()).layer((
        request_layer.clone(),
        error_pages,
        catch_panics(),
        time_limit,
        DefaultBodyLimit::max(MAX_BODY),
    ));
    let router = no_other_method(programs(&state).into_router())
        .layer((request_layer, time_limit))
        .merge(people)
        .with_state(state.clone());
    FastPath::in_front_of(router, state, listener)
}

/// Rejects cross-site requests from browsers, because an identity-aware proxy adds its JWT to those as well. Programs do not
/// send the headers that are checked here.
fn csrf() -> CsrfLayer<impl FnMut(ProtectionError) -> Response + Clone> {
    CsrfLayer::new().with_rejection_response(|_: ProtectionError| {
        Problem::new(ProblemKind::Forbidden, "This request was sent by a page on another site.").into_response()
    })
}

/// Adds the responses for unknown paths and methods.
fn with_fallbacks(router: Router<AppState>) -> Router<AppState> {
    no_other_method(router).fallback(|| async { Problem::new(ProblemKind::NotFound, "There is nothing at this path.") })
}

fn no_other_method(router: Router<AppState>) -> Router<AppState> {
    router.method_not_allowed_fallback(|| async { Problem::new(ProblemKind::MethodNotAllowed, "This path does not support this method.") })
}

/// Catches panics inside the layers that render error pages.
fn catch_panics() -> CatchPanicLayer<fn(Panic) -> Response> {
    CatchPanicLayer::custom(|panic| request_layer::handler_panicked(&panic).into_response())
}
