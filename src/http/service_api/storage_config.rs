//! `GET /internal/v1/tenants/{tenant}/storage-config`

use axum::body::Body;
use axum::extract::{Path, State as Extract};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::lookup::{self, Found};
use crate::domain::active_storage::ActiveStorage;
use crate::http::AppState;
use crate::http::auth::StorageReader;
use crate::http::conventions::etag::ReadyResponse;
use crate::http::conventions::problem::{self, Problem, STALE};

/// Look up a tenant's storage
///
/// Answered from memory, within a second of every change. While the database is away, the last known answer is given,
/// marked by the member `stale` and the header `latchkey-stale`.
#[utoipa::path(
    get, path = "/internal/v1/tenants/{tenant}/storage-config", tag = "internal",
    params(
        ("tenant" = String, Path, description = "Id or slug"),
        ("if-none-match" = Option<String>, Header, description = "The etag of an answer that is at hand"),
    ),
    responses(
        (status = 200, body = ActiveStorage, headers(
            ("etag", description = "Changes with every byte of the answer"),
            ("latchkey-stale", description = "`true` when this is what was known last, because the database is away"),
        )),
        (status = 304, description = "The answer at hand is still right"),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
        (status = 503, body = problem::ProblemBody, content_type = "application/problem+json",
            description = "Nothing is known yet, or nothing that is recent enough"),
    )
)]
pub async fn handle(
    Extract(state): Extract<AppState>,
    reader: StorageReader,
    Path(tenant): Path<String>,
    at_hand: ReadyResponse,
) -> Result<Response, Problem> {
    let found = lookup::find(&state.directory, &reader, &tenant)?;
    Ok(answer(&found, |etag| at_hand.has(etag)))
}

/// The document, or 304 where the caller has it at hand.
pub fn answer(found: &Found, at_hand: impl FnOnce(&str) -> bool) -> Response {
    let etag = found.active.document().etag(found.stale);
    let mut response = if at_hand(&etag) {
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
    // To be asked for again each time, which an answer at hand makes cheap: a suspension has to take effect at once.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    if found.stale {
        headers.insert(STALE, HeaderValue::from_static("true"));
    }
    response
}
