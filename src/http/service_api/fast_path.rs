//! The short way to what internal services ask for on every access to a document.
//!
//! As a rule the token is known, what is known of the tenant is fresh, and the answer is at hand: then it is a lookup, and the way
//! through the router and all that surrounds other requests would cost several times as much. Whatever is not so goes that way,
//! and gets the same answer as it would if there were no other.

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
use crate::http::middleware::http_metrics::ListenerMetrics;
use crate::http::middleware::request_layer::RequestId;
use crate::telemetry::traces;

/// A listener's routes, and the short way beside them.
#[derive(Clone)]
pub struct FastPath {
    state: AppState,
    listener: ListenerMetrics,
    router: Router,
}

/// What can be had this way.
#[derive(Clone, Copy)]
enum Wanted {
    StorageConfig,
    Credentials,
}

impl Wanted {
    /// It, and whose.
    fn of(path: &str) -> Option<(Self, &str)> {
        let (tenant, what) = path.strip_prefix("/internal/v1/tenants/")?.split_once('/')?;
        match what {
            "storage-config" => Some((Self::StorageConfig, tenant)),
            "credentials" => Some((Self::Credentials, tenant)),
            _ => None,
        }
    }

    fn route(self) -> &'static str {
        match self {
            Self::StorageConfig => "/internal/v1/tenants/{tenant}/storage-config",
            Self::Credentials => "/internal/v1/tenants/{tenant}/credentials",
        }
    }
}

impl FastPath {
    pub fn beside(router: Router, state: AppState, listener: ListenerMetrics) -> Self {
        Self { state, listener, router }
    }

    /// None when it is not to be had this way.
    fn answer(&self, request: &Request) -> Option<Response> {
        let (wanted, tenant) = Wanted::of(request.uri().path())?;
        let is_plain = request.method() == Method::GET && request.uri().query().is_none();
        // Whoever wants to be told of each request is.
        let is_watched = traces::are_on() || tracing::enabled!(Level::DEBUG);
        if !is_plain || is_watched {
            return None;
        }
        let began = self.listener.clock.instant();
        let mut response = self.at_hand(request, wanted, tenant)?;
        RequestId::new(&self.listener.clock).mark(&mut response);
        self.listener.answered("GET", wanted.route(), response.status(), began);
        Some(response)
    }

    fn at_hand(&self, request: &Request, wanted: Wanted, tenant: &str) -> Option<Response> {
        let reader = StorageReader::at_hand(request.headers(), &self.state)?;
        let found = lookup::find(&self.state.directory, &reader, tenant).ok()?;
        match wanted {
            Wanted::StorageConfig => Some(storage_config::answer(&found, |etag| etag::at_hand(request.headers(), etag))),
            Wanted::Credentials => {
                let held = self.state.credentials.fresh(&found.active, &Grant::default())?;
                Some(credentials::answer(&found, &held))
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
