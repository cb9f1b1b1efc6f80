//! Strong etags: of the bytes that are answered.

use std::convert::Infallible;

use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::problem::{Problem, ProblemKind};

/// A body with its etag.
pub struct Tagged {
    body: Vec<u8>,
    etag: String,
}

impl Tagged {
    pub fn of(answer: &impl Serialize) -> Result<Self, Problem> {
        let body = serde_json::to_vec(answer).map_err(|_| Problem::new(ProblemKind::Internal, "The answer could not be written."))?;
        let digest: [u8; 32] = Sha256::digest(&body).into();
        Ok(Self {
            etag: format!("\"{}\"", hex::encode(&digest[..16])),
            body,
        })
    }

    /// The answer, or 304 where the one at hand is still right.
    pub fn answer(self, headers: &HeaderMap) -> Response {
        let about = [
            (header::ETAG, self.etag.clone()),
            (header::CACHE_CONTROL, "private, no-cache".to_owned()),
        ];
        if at_hand(headers, &self.etag) {
            return (StatusCode::NOT_MODIFIED, about).into_response();
        }
        (about, [(header::CONTENT_TYPE, "application/json")], Body::from(self.body)).into_response()
    }

    /// Whether the caller knows the present state, which it has to say by `if-match`.
    ///
    /// # Errors
    /// 428 when it says nothing, 412 when it knows another one.
    pub fn demand(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let mut known = named(headers, header::IF_MATCH).peekable();
        if known.peek().is_none() {
            return Err(Problem::new(
                ProblemKind::PreconditionRequired,
                "Send the etag of the state that you know as if-match, so that nobody's change is lost.",
            ));
        }
        if known.any(|known| known == self.etag || known == "*") {
            return Ok(());
        }
        Err(Problem::new(
            ProblemKind::PreconditionFailed,
            "It has changed since you read it: read it again, and decide anew.",
        ))
    }
}

/// Whether the caller has this state already.
pub fn at_hand(headers: &HeaderMap, etag: &str) -> bool {
    named(headers, header::IF_NONE_MATCH).any(|named| named == etag || named == "*")
}

fn named(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(etags)
}

fn etags(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim)
}

/// What the caller has at hand. Taken out of the request by itself, where copying all headers would cost too much.
pub struct ReadyResponse(Vec<HeaderValue>);

impl ReadyResponse {
    pub fn has(&self, etag: &str) -> bool {
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
