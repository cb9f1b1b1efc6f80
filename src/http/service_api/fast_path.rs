//! The fast path for the two reads that internal services make on every access to a document.
//!
//! Usually the token is known, the tenant is in the read model, and the response is in memory. Then a request is a lookup,
//! and the router with its layers would cost several times as much. Every other request takes the router. Both ways return
//! the same response; a test compares them.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use axum::Router;
use axum::extract::Request;
use axum::http::Method;
use axum::response::Response;
use axum::routing::future::RouteFuture;
use futures::future::Either;
use tower::Service;
use tracing::Level;

use super::{credentials, lookup, storage_config};
use crate::domain::grant::Grant;
use crate::http::AppState;
use crate::http::auth::StorageReader;
use crate::http::conventions::etag;
use crate::http::conventions::request_id::RequestId;
use crate::http::middleware::http_metrics::ListenerMetrics;
use crate::service::issuances::Issuance;
use crate::telemetry::traces;

/// A listener's router, with the fast path in front of it.
#[derive(Clone)]
pub struct FastPath {
    state: AppState,
    listener: ListenerMetrics,
    router: Router,
}

/// The routes that have a fast path.
#[derive(Clone, Copy)]
enum FastRoute {
    StorageConfig,
    Credentials,
}

impl FastRoute {
    const ALL: [Self; 2] = [Self::StorageConfig, Self::Credentials];

    /// The route of this path, and the tenant in it.
    fn parse(path: &str) -> Option<(Self, &str)> {
        Self::ALL.into_iter().find_map(|route| {
            let (before, after) = route.path().split_once("{tenant}")?;
            let tenant = path.strip_prefix(before)?.strip_suffix(after)?;
            (!tenant.is_empty() && !tenant.contains('/')).then_some((route, tenant))
        })
    }

    /// The same as in the router.
    fn path(self) -> &'static str {
        match self {
            Self::StorageConfig => storage_config::PATH,
            Self::Credentials => credentials::PATH,
        }
    }
}

impl FastPath {
    pub fn in_front_of(router: Router, state: AppState, listener: ListenerMetrics) -> Self {
        Self { state, listener, router }
    }

    /// None when the request has to take the router.
    fn answer(&self, request: &Request) -> Option<Response> {
        let (route, tenant) = FastRoute::parse(request.uri().path())?;
        let is_plain = request.method() == Method::GET && request.uri().query().is_none();
        // Traces and debug logs cover every request, so they disable the fast path.
        let is_watched = traces::are_enabled() || tracing::enabled!(Level::DEBUG);
        if !is_plain || is_watched {
            return None;
        }
        let began = self.listener.clock.instant();
        let mut response = self.answer_from_memory(request, route, tenant)?;
        RequestId::new(&self.listener.clock).mark(&mut response);
        self.listener.answered("GET", route.path(), response.status(), began);
        Some(response)
    }

    fn answer_from_memory(&self, request: &Request, route: FastRoute, tenant: &str) -> Option<Response> {
        let reader = StorageReader::from_memory(request.headers(), &self.state)?;
        let found = lookup::find(&self.state.read_model, &reader, tenant).ok()?;
        match route {
            FastRoute::StorageConfig => Some(storage_config::answer(&found, |etag| etag::is_cached(request.headers(), etag))),
            FastRoute::Credentials => {
                let grant = Grant {
                    level: found.active.document().access(),
                    ..Grant::default()
                };
                let identity = reader.identity();
                let credentials = self.state.credentials.fresh(&found.active, identity.caller_tag(), &grant)?;
                self.state.issuances.count(&Issuance {
                    identity,
                    tenant: found.active.tenant(),
                    access: grant.level,
                    credentials: &credentials,
                    waited: false,
                });
                Some(credentials::answer(&found, &credentials))
            }
        }
    }
}

impl Service<Request> for FastPath {
    type Response = Response;
    type Error = Infallible;
    type Future = Either<Ready<Result<Response, Infallible>>, RouteFuture<Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // A router is always ready.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        match self.answer(&request) {
            Some(response) => Either::Left(ready(Ok(response))),
            None => Either::Right(self.router.call(request)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fast_route_has_one_tenant_in_its_path() {
        let tenant = |path| FastRoute::parse(path).map(|(route, tenant)| (route.path(), tenant));
        assert_eq!(
            tenant("/internal/v1/tenants/acme/storage-config"),
            Some((storage_config::PATH, "acme"))
        );
        assert_eq!(tenant("/internal/v1/tenants/acme/credentials"), Some((credentials::PATH, "acme")));
        for path in [
            "/internal/v1/tenants//credentials",
            "/internal/v1/tenants/a/b/credentials",
            "/internal/v1/tenants/acme",
            "/internal/v1/changes",
        ] {
            assert_eq!(tenant(path), None, "{path}");
        }
    }
}
