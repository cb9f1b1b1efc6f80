//! `GET /internal/v1/tenants/{tenant}/storage-config`

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::lookup::{self, Found};
use crate::http::AppState;
use crate::http::auth::StorageReader;
use crate::http::conventions::etag::ReadyResponse;
use crate::http::conventions::problem::{self, Problem, STALE};
use crate::http::views::ActiveStorageSchema;

pub(super) const PATH: &str = "/internal/v1/tenants/{tenant}/storage-config";

/// Get a tenant's active storage config
///
/// Served from memory, at most a second behind every change. While the database is unavailable, the last known answer is
/// served and marked by the field `stale` and the header `latchkey-stale`.
#[utoipa::path(
    operation_id = "getActiveStorageConfig",
    get, path = PATH, tag = "internal",
    params(
        ("tenant" = String, Path, description = "ID or slug"),
        ("if-none-match" = Option<String>, Header, description = "The ETag of a cached response"),
    ),
    responses(
        (status = 200, body = ActiveStorageSchema, headers(
            ("etag", description = "Changes with every byte of the response"),
            ("latchkey-stale", description = "`true` when this is the last known answer because the database is unavailable"),
        )),
        (status = 304, description = "The cached response is current"),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
        (status = 503, body = problem::ProblemBody, content_type = "application/problem+json",
            description = "The tenants are not loaded yet, or the data in memory is too old"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    reader: StorageReader,
    Path(tenant): Path<String>,
    is_cached: ReadyResponse,
) -> Result<Response, Problem> {
    let found = lookup::find(&state.read_model, &reader, &tenant)?;
    Ok(answer(&found, |etag| is_cached.has(etag)))
}

/// The document, or 304 when the caller's copy is current.
pub(crate) fn answer(found: &Found, is_cached: impl FnOnce(&str) -> bool) -> Response {
    let etag = found.active.document().etag(found.stale);
    let mut response = if is_cached(&etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let mut response = Response::new(Body::from(found.active.body(found.stale)));
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        response
    };
    let headers = response.headers_mut();
    if let Ok(etag) = HeaderValue::try_from(etag) {
        headers.insert(header::ETAG, etag);
    }
    // Must be revalidated every time, which an ETag makes cheap: a suspension has to take effect at once.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    if found.stale {
        headers.insert(STALE, HeaderValue::from_static("true"));
    }
    response
}
