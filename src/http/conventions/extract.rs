//! Extractors: input that cannot be read becomes a problem that names the field.

use std::error::Error;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::header;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tower_http::timeout::TimeoutError;

use super::problem::{self, Problem, ProblemKind};
use crate::domain::ids::{CampaignId, ContactId, DeliveryId, InviteId, InviteSessionId, TenantRef, TokenId, VerificationId, WebhookId};
use crate::domain::text::FieldError;

/// A JSON object. Unknown fields and fields of a wrong type are collected, so that all errors are reported at once.
#[derive(Debug)]
pub(crate) struct JsonBody<T> {
    pub value: T,
    pub unreadable: Vec<FieldError>,
}

impl<T> JsonBody<T> {
    /// The body, if every field could be read.
    pub(crate) fn whole(self) -> Result<T, Problem> {
        if self.unreadable.is_empty() {
            Ok(self.value)
        } else {
            Err(Problem::validation(self.unreadable))
        }
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let is_json = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .and_then(|text| text.parse::<mime::Mime>().ok())
            .is_some_and(|mime| mime.type_() == mime::APPLICATION && (mime.subtype() == mime::JSON || mime.suffix() == Some(mime::JSON)));
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|rejection| unreadable_body(&rejection))?;
        // A request without a body needs no content type.
        if !is_json && !bytes.is_empty() {
            return Err(Problem::new(
                ProblemKind::UnsupportedMediaType,
                "Send the body with `Content-Type: application/json`.",
            ));
        }
        let text: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        let value: Value = serde_json::from_slice(text)
            .map_err(|error| Problem::new(ProblemKind::Unreadable, format!("The body is not JSON: {error}.")))?;
        read(value)
    }
}

/// The problem of a body that could not be received.
pub(crate) fn unreadable_body(rejection: &BytesRejection) -> Problem {
    if rejection.status() == axum::http::StatusCode::PAYLOAD_TOO_LARGE {
        Problem::new(
            ProblemKind::TooLarge,
            "The body must not exceed 64 KiB, or 128 KiB for a batch of tenants.",
        )
    } else if is_late(rejection) {
        Problem::new(
            ProblemKind::RequestTimeout,
            "The body did not arrive in time. No changes were made.",
        )
    } else {
        Problem::new(ProblemKind::Unreadable, "The body was incomplete.")
    }
}

fn is_late(rejection: &BytesRejection) -> bool {
    let mut cause: Option<&(dyn Error + 'static)> = Some(rejection);
    while let Some(error) = cause {
        if error.is::<TimeoutError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Reads an object's fields.
pub(crate) fn read<T: DeserializeOwned>(mut value: Value) -> Result<JsonBody<T>, Problem> {
    let mut unreadable: Vec<FieldError> = Vec::new();
    loop {
        let mut unknown = Vec::new();
        let mut track = serde_path_to_error::Track::new();
        let read = {
            let tracked = serde_path_to_error::Deserializer::new(&value, &mut track);
            serde_ignored::deserialize(tracked, |path| unknown.push(path.to_string()))
        };
        match read {
            Ok(value) => {
                let unknown = unknown.into_iter().map(|field| {
                    let detail = format!("unknown field {field}; remove it or correct its name");
                    FieldError::new(&field, "unknown_field", detail)
                });
                unreadable.extend(unknown);
                return Ok(JsonBody { value, unreadable });
            }
            Err(error) => {
                let path = track.path().to_string();
                let field = path.split(['.', '[']).next().unwrap_or_default();
                let removed = value.as_object_mut().and_then(|object| object.shift_remove(field));
                if removed.is_none() {
                    return Err(Problem::new(
                        ProblemKind::Unreadable,
                        format!("The body must be a JSON object: {error}."),
                    ));
                }
                unreadable.push(FieldError::new(&path, "wrong_type", error.to_string()));
            }
        }
    }
}

/// The query string. Unknown parameters are rejected.
pub(crate) struct Params<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Query(value) = Query::from_request_parts(parts, state)
            .await
            .map_err(|rejection| Problem::new(ProblemKind::Unreadable, format!("Invalid query string: {}.", rejection.body_text())))?;
        Ok(Self(value))
    }
}

/// Something that a segment of the path identifies.
pub(crate) trait PathParam: Sized {
    /// The segment's name in the route.
    const SEGMENT: &'static str;
    /// The detail of the 404 when the segment cannot be parsed: nothing has such an id.
    const NOT_FOUND: &'static str;

    fn parse(text: &str) -> Option<Self>;

    /// Adds the value to the request's span.
    fn record(&self) {}
}

/// Extracts what a segment of the path identifies.
pub(crate) struct InPath<T>(pub T);

impl<T: PathParam, S: Send + Sync> FromRequestParts<S> for InPath<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let text = segment(parts, state, T::SEGMENT).await?;
        let value = T::parse(&text).ok_or_else(|| Problem::new(ProblemKind::NotFound, T::NOT_FOUND))?;
        value.record();
        Ok(Self(value))
    }
}

/// By id or slug.
impl PathParam for TenantRef {
    const SEGMENT: &'static str = "tenant";
    const NOT_FOUND: &'static str = problem::UNKNOWN_TENANT;

    fn parse(text: &str) -> Option<Self> {
        Self::parse(text).ok()
    }

    fn record(&self) {
        record_tenant(self);
    }
}

/// Adds the tenant to the current request's span.
pub(crate) fn record_tenant(tenant: impl std::fmt::Display) {
    tracing::Span::current().record("tenant", tracing::field::display(tenant));
}

/// The number of a version of a storage config.
pub(crate) struct Version(pub i32);

impl PathParam for Version {
    const SEGMENT: &'static str = "version";
    const NOT_FOUND: &'static str = "There is no version with this number.";

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }
}

macro_rules! id_in_path {
    ($($id:ty, $segment:literal, $not_found:expr;)*) => {
        $(impl PathParam for $id {
            const SEGMENT: &'static str = $segment;
            const NOT_FOUND: &'static str = $not_found;

            fn parse(text: &str) -> Option<Self> {
                Self::parse(text).ok()
            }
        })*
    };
}

id_in_path! {
    VerificationId, "id", problem::UNKNOWN_VERIFICATION;
    InviteId, "id", problem::UNKNOWN_INVITE;
    InviteSessionId, "session", "This invite has no session with this ID.";
    TokenId, "id", "There is no token with this ID.";
    WebhookId, "id", "There is no webhook with this ID.";
    CampaignId, "id", problem::UNKNOWN_CAMPAIGN;
    ContactId, "id", problem::UNKNOWN_CONTACT;
    DeliveryId, "delivery", "This webhook has no delivery with this ID.";
}

async fn segment<S: Send + Sync>(parts: &mut Parts, state: &S, name: &str) -> Result<String, Problem> {
    let Path(segments) = Path::<Vec<(String, String)>>::from_request_parts(parts, state)
        .await
        .map_err(|_| Problem::new(ProblemKind::NotFound, "There is nothing at this path."))?;
    Ok(segments
        .into_iter()
        .find_map(|(key, value)| (key == name).then_some(value))
        .unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Example {
        name: Option<String>,
        modes: Option<Vec<String>>,
    }

    #[test]
    fn every_unreadable_field_is_listed() {
        let body = json!({"name": 7, "modes": ["direct", 2], "nmae": "x", "extra": {}});
        let read: JsonBody<Example> = read(body).unwrap();
        assert!(read.value.name.is_none() && read.value.modes.is_none());
        let faults: Vec<(&str, &str)> = read.unreadable.iter().map(|f| (f.field.as_str(), f.code.as_str())).collect();
        assert_eq!(
            faults,
            [
                ("name", "wrong_type"),
                ("modes[1]", "wrong_type"),
                ("nmae", "unknown_field"),
                ("extra", "unknown_field")
            ]
        );
    }

    #[rstest]
    #[case(json!([1, 2]))]
    #[case(json!("x"))]
    #[case(json!(null))]
    fn a_body_that_is_not_an_object_is_malformed(#[case] body: Value) {
        assert_eq!(read::<Example>(body).unwrap_err().kind(), ProblemKind::Unreadable);
    }
}
