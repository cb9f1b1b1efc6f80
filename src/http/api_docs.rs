//! `/docs`: the API in Swagger UI, and `/openapi.json`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Redirect, Response};
use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::{Config, serve};

use super::conventions::problem::{Problem, ProblemKind};
use super::routes::Routes;
use super::web_ui::{lock_down, require_https};
use super::{AppState, dashboard};

/// As for other pages, but Swagger UI has inline styles, and icons in data URLs.
const POLICY: &str = "default-src 'none'; style-src 'self' 'unsafe-inline'; script-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

pub(crate) fn router(state: &AppState, openapi: OpenApi) -> Routes {
    let document = Arc::new(openapi);
    Routes::default()
        .get("/openapi.json", async move || Json(document))
        .get("/docs", async || Redirect::to("/docs/"))
        .get("/docs/", async || file("index.html"))
        .get("/docs/{name}", async |Path(name): Path<String>| file(&name))
        .layered(|router| router.layer(from_fn_with_state(state.clone(), protect)))
}

fn file(name: &str) -> Result<Response, Problem> {
    let found = serve(name, Arc::new(Config::from("/openapi.json"))).map_err(|_| Problem::internal())?;
    let file = found.ok_or_else(|| Problem::new(ProblemKind::NotFound, "There is nothing at this path."))?;
    Ok(([(header::CONTENT_TYPE, file.content_type)], file.bytes.into_owned()).into_response())
}

/// Adds security headers: these pages have the dashboard's origin, so a script in them could act for its user.
async fn protect(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let over_https = dashboard::is_over_https(&state, &request);
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    lock_down(headers);
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    if over_https {
        require_https(headers);
    }
    response
}
