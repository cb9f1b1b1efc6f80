//! The ID of a request.

use std::fmt;

use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;
use uuid::Uuid;

use crate::clock::SharedClock;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Identifies a request in the logs, in the audit log and in a problem's `instance`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RequestId(Uuid);

impl RequestId {
    pub(crate) fn new(clock: &SharedClock) -> Self {
        Self(clock.uuid())
    }

    /// Adds the ID to a response.
    pub(crate) fn mark(self, response: &mut Response) {
        response.headers_mut().insert(REQUEST_ID, self.header());
    }

    fn header(self) -> HeaderValue {
        let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
        let text: &str = self.0.hyphenated().encode_lower(&mut text);
        HeaderValue::from_str(text).expect("a UUID is visible ASCII")
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
