//! Strong `ETag`s, derived from the bytes of the response, and the preconditions that use them.

use std::convert::Infallible;

use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::problem::{Problem, ProblemKind};

/// A body and its `ETag`.
pub(crate) struct Tagged {
    body: Vec<u8>,
    etag: String,
}

impl Tagged {
    pub(crate) fn of(answer: &impl Serialize) -> Result<Self, Problem> {
        let body = serde_json::to_vec(answer).map_err(|_| Problem::new(ProblemKind::Internal, "The response could not be serialized."))?;
        let digest: [u8; 32] = Sha256::digest(&body).into();
        Ok(Self {
            etag: format!("\"{}\"", hex::encode(&digest[..16])),
            body,
        })
    }

    /// The response, or 304 when the caller's copy is current.
    pub(crate) fn answer(self, headers: &HeaderMap) -> Response {
        let about = [
            (header::ETAG, self.etag.clone()),
            (header::CACHE_CONTROL, "private, no-cache".to_owned()),
        ];
        if is_cached(headers, &self.etag) {
            return (StatusCode::NOT_MODIFIED, about).into_response();
        }
        (about, [(header::CONTENT_TYPE, "application/json")], Body::from(self.body)).into_response()
    }

    /// Checks that the caller knows the current state, by its `If-Match` header.
    ///
    /// # Errors
    /// 428 without the header, 412 when it names another state.
    pub(crate) fn demand(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let mut known = named(headers, header::IF_MATCH).peekable();
        if known.peek().is_none() {
            return Err(Problem::new(
                ProblemKind::PreconditionRequired,
                "Send the `ETag` from your last read in `If-Match`. This prevents overwriting someone else's change.",
            ));
        }
        if known.any(|known| known == self.etag || known == "*") {
            return Ok(());
        }
        Err(Problem::new(
            ProblemKind::PreconditionFailed,
            "The resource was modified since you read it. Read it again before you change it.",
        ))
    }
}

/// Whether the caller's `If-None-Match` names this `ETag`.
pub(crate) fn is_cached(headers: &HeaderMap, etag: &str) -> bool {
    named(headers, header::IF_NONE_MATCH).any(|named| named == etag || named == "*")
}

fn named(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(etags)
}

fn etags(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim)
}

/// The caller's `If-None-Match` header. A separate extractor, because copying all headers would be too expensive.
pub(crate) struct ReadyResponse(Vec<HeaderValue>);

impl ReadyResponse {
    pub(crate) fn has(&self, etag: &str) -> bool {
        let values = self.0.iter().filter_map(|value| value.to_str().ok());
        values.flat_map(etags).any(|named| named == etag || named == "*")
    }
}

impl<S: Sync> FromRequestParts<S> for ReadyResponse {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.headers.get_all(header::IF_NONE_MATCH).into_iter().cloned().collect()))
    }
}
