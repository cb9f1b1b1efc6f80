//! `/customer/v1`: the API for customers' programs, on the public listener. One file per operation.
//!
//! Its paths are those of the admin API without the tenant, which is the one of the token. So nothing of another tenant can be named: an
//! ID is looked up among those of this tenant.

mod auth;
mod explain_removal;
mod get_connection;
mod get_storage_config;
mod get_verification;
mod issue_templates;
mod lookup;
mod merge_template;
mod refusal;
mod request_verification;
mod submit_storage_config;
mod validate;
mod verification_events;

use axum::body::Bytes;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::header;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::middleware::idempotency;
use super::routes::Routes;
use super::{AppState, customer_limits, openapi};
use auth::Customer;

/// Whether this is a path of the API, whose clients get problems instead of pages.
pub(crate) fn serves(path: &str) -> bool {
    path.starts_with("/customer/")
}

fn operations() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(get_connection::handle))
        .routes(routes!(issue_templates::handle))
        .routes(routes!(merge_template::handle))
        .routes(routes!(validate::handle))
        .routes(routes!(submit_storage_config::handle))
        .routes(routes!(get_storage_config::handle))
        .routes(routes!(request_verification::handle))
        .routes(routes!(get_verification::handle))
        .routes(routes!(verification_events::handle))
        .routes(routes!(explain_removal::handle))
}

/// The operations and their OpenAPI document. `layer` wraps them.
pub(crate) fn api(layer: impl FnOnce(OpenApiRouter<AppState>) -> OpenApiRouter<AppState>) -> (Routes, OpenApi) {
    let (router, mut described) = openapi::customer_router().merge(layer(operations())).split_for_parts();
    openapi::complete(&mut described);
    (Routes::of_api(router, &described), described)
}

pub(crate) fn router(state: &AppState) -> Routes {
    let idempotent = from_fn_with_state(state.clone(), idempotent);
    let (operations, described) = api(|operations| operations.route_layer(idempotent));
    let document: Bytes = described.to_json().unwrap_or_default().into();
    operations
        .get("/customer/v1/openapi.json", async move || {
            ([(header::CONTENT_TYPE, "application/json")], document)
        })
        .layered(|router| router.route_layer(from_fn_with_state(state.clone(), limit)))
}

async fn limit(State(state): State<AppState>, request: Request, next: Next) -> Response {
    match customer_limits::admit(&state, request).await {
        Ok((slot, mut request)) => {
            request.extensions_mut().insert(slot);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

async fn idempotent(State(state): State<AppState>, request: Request, next: Next) -> Response {
    if !idempotency::has_key(&request) {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    match Customer::from_request_parts(&mut parts, &state).await {
        Ok(customer) => idempotency::once(state, &customer.key_sender(), Request::from_parts(parts, body), next).await,
        Err(problem) => problem.into_response(),
    }
}
