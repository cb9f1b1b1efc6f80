//! A router that lists its routes, because axum's does not: both listeners are built from it, so no route is missing from
//! docs/routes.md.

use axum::Router;
use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{get, post};
use utoipa::openapi::OpenApi;

use super::AppState;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    pub method: Method,
    /// With its parameters, such as `/tenants/{tenant}`.
    pub path: String,
}

/// The routes of both listeners.
#[derive(Debug)]
pub struct ListedRoutes {
    /// The customers' form, and what else browsers request from the public listener.
    pub public: Vec<Route>,
    /// The customers' API, on the public listener.
    pub customer_programs: Vec<Route>,
    /// The APIs, and what else programs request from the private listener.
    pub programs: Vec<Route>,
    /// The dashboard.
    pub dashboard: Vec<Route>,
}

/// Routes with their handlers.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    router: Router<AppState>,
    listed: Vec<Route>,
}

impl Routes {
    /// The operations of an API, as its document lists them.
    pub(crate) fn of_api(router: Router<AppState>, openapi: &OpenApi) -> Self {
        let listed = openapi.paths.paths.iter().flat_map(|(path, item)| {
            let operations = [
                (Method::GET, &item.get),
                (Method::POST, &item.post),
                (Method::PUT, &item.put),
                (Method::PATCH, &item.patch),
                (Method::DELETE, &item.delete),
            ];
            operations
                .into_iter()
                .filter(|(_, operation)| operation.is_some())
                .map(|(method, _)| Route {
                    method,
                    path: path.clone(),
                })
        });
        Self {
            listed: listed.collect(),
            router,
        }
    }

    pub(crate) fn get<T: 'static>(mut self, path: &str, handler: impl Handler<T, AppState>) -> Self {
        self.router = self.router.route(path, get(handler));
        self.list(Method::GET, path)
    }

    pub(crate) fn post<T: 'static>(mut self, path: &str, handler: impl Handler<T, AppState>) -> Self {
        self.router = self.router.route(path, post(handler));
        self.list(Method::POST, path)
    }

    fn list(mut self, method: Method, path: &str) -> Self {
        self.listed.push(Route {
            method,
            path: path.to_owned(),
        });
        self
    }

    pub(crate) fn merge(mut self, other: Self) -> Self {
        self.router = self.router.merge(other.router);
        self.listed.extend(other.listed);
        self
    }

    /// Wraps the router in layers.
    pub(crate) fn layered(mut self, wrap: impl FnOnce(Router<AppState>) -> Router<AppState>) -> Self {
        self.router = wrap(self.router);
        self
    }

    pub(crate) fn into_router(self) -> Router<AppState> {
        self.router
    }

    pub(crate) fn into_list(self) -> Vec<Route> {
        self.listed
    }
}
