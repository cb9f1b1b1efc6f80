//! Reading requests: what cannot be read becomes a problem that names the field.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::header;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::problem::{Problem, ProblemKind};
use crate::domain::ids::{DeliveryId, InviteId, TenantRef, TokenId, VerificationId, WebhookId};
use crate::domain::text::FieldError;
use crate::http::middleware::request_layer::note_tenant;

/// A JSON object. Fields that are unknown or of a wrong type are listed beside it, so that all faults come at once.
#[derive(Debug)]
pub struct JsonBody<T> {
    pub value: T,
    pub unreadable: Vec<FieldError>,
}

impl<T> JsonBody<T> {
    /// The body, if it could be read whole.
    pub fn whole(self) -> Result<T, Problem> {
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
        // A request that may come without a body needs no content type for it.
        if !is_json && !bytes.is_empty() {
            return Err(Problem::new(
                ProblemKind::UnsupportedMediaType,
                "Send the body with content-type: application/json.",
            ));
        }
        let text: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        let value: Value = serde_json::from_slice(text)
            .map_err(|error| Problem::new(ProblemKind::Unreadable, format!("The body is not JSON: {error}.")))?;
        read(value)
    }
}

/// Why the bytes of a body were not there.
pub fn unreadable_body(rejection: &BytesRejection) -> Problem {
    if rejection.status() == axum::http::StatusCode::PAYLOAD_TOO_LARGE {
        Problem::new(
            ProblemKind::TooLarge,
            "The body is too large: 64 KiB at most, a batch of tenants 128 KiB.",
        )
    } else {
        Problem::new(ProblemKind::Unreadable, "The body ended before it was complete.")
    }
}

fn read<T: DeserializeOwned>(mut value: Value) -> Result<JsonBody<T>, Problem> {
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
                    let detail = format!("there is no field {field}; take it out, or correct its name");
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
                        format!("The body is not of the right form: {error}."),
                    ));
                }
                unreadable.push(FieldError::new(&path, "wrong_type", error.to_string()));
            }
        }
    }
}

/// The query, every parameter of which is known.
pub struct Params<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Query(value) = Query::from_request_parts(parts, state).await.map_err(|rejection| {
            Problem::new(
                ProblemKind::Unreadable,
                format!("The query cannot be read: {}.", rejection.body_text()),
            )
        })?;
        Ok(Self(value))
    }
}

/// The tenant that the path names, by id or slug. One that can be neither is unknown.
pub struct TenantPath(pub TenantRef);

impl<S: Send + Sync> FromRequestParts<S> for TenantPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let tenant = segment(parts, state, "tenant").await?;
        let tenant = TenantRef::parse(&tenant).map_err(|_| Problem::unknown_tenant())?;
        note_tenant(&tenant);
        Ok(Self(tenant))
    }
}

/// The verification that the path names.
pub struct VerificationPath(pub VerificationId);

impl<S: Send + Sync> FromRequestParts<S> for VerificationPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let id = segment(parts, state, "id").await?;
        VerificationId::parse(&id)
            .map(Self)
            .map_err(|_| Problem::new(ProblemKind::NotFound, "There is no verification of this id."))
    }
}

/// The invite that the path names.
pub struct InvitePath(pub InviteId);

impl<S: Send + Sync> FromRequestParts<S> for InvitePath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let id = segment(parts, state, "id").await?;
        InviteId::parse(&id).map(Self).map_err(|_| Problem::unknown_invite())
    }
}

/// The token that the path names.
pub struct TokenPath(pub TokenId);

impl<S: Send + Sync> FromRequestParts<S> for TokenPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let id = segment(parts, state, "id").await?;
        TokenId::parse(&id)
            .map(Self)
            .map_err(|_| Problem::new(ProblemKind::NotFound, "There is no token of this id."))
    }
}

/// The webhook that the path names.
pub struct WebhookPath(pub WebhookId);

impl<S: Send + Sync> FromRequestParts<S> for WebhookPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let id = segment(parts, state, "id").await?;
        WebhookId::parse(&id)
            .map(Self)
            .map_err(|_| Problem::new(ProblemKind::NotFound, "There is no webhook of this id."))
    }
}

/// The delivery that the path names.
pub struct DeliveryPath(pub DeliveryId);

impl<S: Send + Sync> FromRequestParts<S> for DeliveryPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let id = segment(parts, state, "delivery").await?;
        DeliveryId::parse(&id)
            .map(Self)
            .map_err(|_| Problem::new(ProblemKind::NotFound, "This webhook has no delivery of this id."))
    }
}

/// The version that the path names.
pub struct VersionPath(pub i32);

impl<S: Send + Sync> FromRequestParts<S> for VersionPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let version = segment(parts, state, "version").await?;
        version
            .parse()
            .map(Self)
            .map_err(|_| Problem::new(ProblemKind::NotFound, "There is no version of this number."))
    }
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
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Example {
        name: Option<String>,
        modes: Option<Vec<String>>,
    }

    #[test]
    fn every_fault_of_reading_is_listed() {
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

    #[test]
    fn a_body_that_is_no_object_is_unreadable() {
        assert!(read::<Example>(json!([1, 2])).is_err() || read::<Example>(json!("x")).is_err());
        assert!(read::<Example>(json!("x")).is_err());
    }
}
