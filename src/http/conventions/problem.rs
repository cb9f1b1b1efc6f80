//! Errors as RFC 9457 problems. What a caller reads is written here; what went wrong inside is logged and not shown.

use axum::extract::Path;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde::Serialize;
use strum::{EnumIter, EnumString, IntoEnumIterator, IntoStaticStr};
use tracing::error;
use utoipa::ToSchema;

use crate::domain::text::FieldError;
use crate::store;

/// Marks an answer that may be out of date, because the database is away.
pub const STALE: HeaderName = HeaderName::from_static("latchkey-stale");

/// Every kind of problem. Its name is the last part of its `type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumIter, EnumString, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum ProblemKind {
    Unreadable,
    Unauthenticated,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    Conflict,
    Suspended,
    Offboarded,
    PreconditionFailed,
    PreconditionRequired,
    TooLarge,
    TooManyRequests,
    UnsupportedMediaType,
    Validation,
    Internal,
    Unavailable,
    VendorSide,
    CustomerSide,
}

impl ProblemKind {
    pub fn status(self) -> StatusCode {
        match self {
            Self::Unreadable => StatusCode::BAD_REQUEST,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::Forbidden | Self::Suspended => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Conflict => StatusCode::CONFLICT,
            Self::Offboarded => StatusCode::GONE,
            Self::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
            Self::PreconditionRequired => StatusCode::PRECONDITION_REQUIRED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Validation => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable | Self::VendorSide | Self::CustomerSide => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            Self::Unreadable => "The request cannot be read",
            Self::Unauthenticated => "Who you are is not known",
            Self::Forbidden => "You may not do this",
            Self::NotFound => "There is no such thing",
            Self::MethodNotAllowed => "This cannot be done here",
            Self::Conflict => "Something stands in the way",
            Self::Suspended => "The tenant is suspended",
            Self::Offboarded => "The tenant is offboarded",
            Self::PreconditionFailed => "It has changed meanwhile",
            Self::PreconditionRequired => "Say which state you know",
            Self::TooLarge => "The request is too large",
            Self::TooManyRequests => "One moment, please",
            Self::UnsupportedMediaType => "The request is not JSON",
            Self::Validation => "Some fields are not right",
            Self::Internal => "Something broke on our side",
            Self::Unavailable => "Not available right now",
            Self::VendorSide => "The vendor's own set-up stands in the way",
            Self::CustomerSide => "The customer's set-up stands in the way",
        }
    }

    /// What the problem's page says.
    fn explanation(self) -> &'static str {
        match self {
            Self::Unreadable => "The body or the query is not well formed. The detail says where reading it ended.",
            Self::Unauthenticated => {
                "The request carries no token, or one that is unknown, expired or revoked, or a JWT that breaks a rule, which the detail names. \
                 Send a good one as Authorization: Bearer …"
            }
            Self::Forbidden => "Who you are is known, but your role does not allow this. The detail says what does.",
            Self::NotFound => "Nothing goes by this name, or you may not know that it exists.",
            Self::MethodNotAllowed => "The path exists, but not with this method. The header Allow names those that it has.",
            Self::Conflict => "The request is right in itself, but not in the present state. The detail says what stands in the way.",
            Self::Suspended => {
                "The tenant was switched off by the vendor's operations. Its storage is not served until they switch it on again."
            }
            Self::Offboarded => "The tenant has ended. Its history is kept, its storage is not served any more.",
            Self::PreconditionFailed => "Somebody changed this after you read it. Read it again, and send the new etag as if-match.",
            Self::PreconditionRequired => "A change is only made to a state that you have seen. Send its etag as if-match.",
            Self::TooLarge => "A body may have 64 KiB at most, a batch of tenants 128 KiB.",
            Self::TooManyRequests => "There were too many requests from one place. Wait for the time in the header Retry-After.",
            Self::UnsupportedMediaType => "Bodies are JSON: send them with content-type: application/json.",
            Self::Validation => {
                "The member errors lists every field that is not right, each with a code for programs and a sentence that says how to mend it."
            }
            Self::Internal => "It was logged under the request id in the member instance. Trying again may help.",
            Self::Unavailable => "A part that this needs does not answer. Try again after the time in the header Retry-After.",
            Self::VendorSide => "AWS refuses the vendor's own roles, so nobody gets credentials. The vendor's operations can mend it.",
            Self::CustomerSide => {
                "The customer's role does not let the vendor in any more. The customer can mend it; a verification tells how."
            }
        }
    }

    fn name(self) -> &'static str {
        self.into()
    }
}

/// An answer that is a problem.
#[derive(Debug, Clone)]
pub struct Problem {
    kind: ProblemKind,
    detail: String,
    errors: Vec<FieldError>,
    /// The database is away, so that this is what was known last.
    stale: bool,
    /// Seconds, where trying again helps.
    retry_after: Option<u32>,
}

/// RFC 9457's members, and `errors`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// Which kind of problem; also the path of a page that explains it.
    #[serde(rename = "type")]
    #[schema(example = "/problems/validation")]
    kind: String,
    title: &'static str,
    #[schema(example = 422)]
    status: u16,
    detail: String,
    /// The request's id, by which it is found in the logs.
    instance: String,
    /// Every field that is not right.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
}

impl Problem {
    pub fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            errors: Vec::new(),
            stale: false,
            retry_after: None,
        }
    }

    pub fn validation(errors: Vec<FieldError>) -> Self {
        let fields: Vec<&str> = errors.iter().map(|error| error.field.as_str()).collect();
        let detail = format!("Not right: {}. Nothing was stored.", fields.join(", "));
        Self {
            errors,
            ..Self::new(ProblemKind::Validation, detail)
        }
    }

    pub fn unknown_tenant() -> Self {
        Self::new(ProblemKind::NotFound, "There is no tenant of this id or slug.")
    }

    pub fn unknown_invite() -> Self {
        Self::new(ProblemKind::NotFound, "This tenant has no invite of this id.")
    }

    pub fn offboarded() -> Self {
        Self::new(ProblemKind::Offboarded, "This tenant has ended; nothing can be changed any more.")
    }

    #[must_use]
    pub fn with_errors(self, errors: Vec<FieldError>) -> Self {
        Self { errors, ..self }
    }

    #[must_use]
    pub fn stale(self, stale: bool) -> Self {
        Self { stale, ..self }
    }

    #[must_use]
    pub fn retry_after(self, seconds: u32) -> Self {
        Self {
            retry_after: Some(seconds),
            ..self
        }
    }

    /// The body, for the request of that id.
    pub fn body(self, request_id: &str) -> ProblemBody {
        ProblemBody {
            kind: format!("/problems/{}", self.kind.name()),
            title: self.kind.title(),
            status: self.kind.status().as_u16(),
            detail: self.detail,
            instance: request_id.to_owned(),
            errors: self.errors,
        }
    }

    pub fn kind(&self) -> ProblemKind {
        self.kind
    }

    pub fn detail(&self) -> &str {
        &self.detail
    }

    pub fn errors(&self) -> &[FieldError] {
        &self.errors
    }

    /// After which trying again may help.
    pub fn seconds_to_wait(&self) -> Option<u32> {
        self.retry_after.or(match self.kind {
            ProblemKind::Unavailable => Some(2),
            ProblemKind::VendorSide | ProblemKind::CustomerSide => Some(30),
            _ => None,
        })
    }

    /// The answer with its body, for the request of that id.
    pub fn render(self, request_id: &str) -> Response {
        let (kind, stale, wait) = (self.kind, self.stale, self.seconds_to_wait());
        let mut response = (kind.status(), axum::Json(self.body(request_id))).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if stale {
            headers.insert(STALE, HeaderValue::from_static("true"));
        }
        if kind == ProblemKind::Unauthenticated {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = wait {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

/// The problem travels in the response's extensions until the request's own layer, which knows the id, renders it.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.kind.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<store::StoreError> for Problem {
    fn from(error: store::StoreError) -> Self {
        if matches!(error, store::StoreError::TakenOver) {
            return super::idempotency::under_way();
        }
        error!(%error, "the store failed");
        match error {
            store::StoreError::Database(sqlx::Error::PoolTimedOut | sqlx::Error::Io(_) | sqlx::Error::PoolClosed) => {
                Self::new(ProblemKind::Unavailable, "The database does not answer.")
            }
            _ => Self::new(
                ProblemKind::Internal,
                "Something broke on our side; it was logged under this request's id.",
            ),
        }
    }
}

/// The page that a problem's `type` leads to.
pub async fn page(Path(name): Path<String>) -> Result<Html<String>, Problem> {
    let kind: ProblemKind = name
        .parse()
        .map_err(|_| Problem::new(ProblemKind::NotFound, "There is no problem of this name."))?;
    let others = ProblemKind::iter().fold(String::new(), |list, kind| {
        let name = kind.name();
        list + "<li><a href=\"/problems/" + name + "\">" + name + "</a></li>"
    });
    Ok(Html(format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title}</title><main><h1>{title}</h1><p>Status {status}</p><p>{text}</p><h2>All problems</h2><ul>{others}</ul></main></html>",
        title = kind.title(),
        status = kind.status().as_u16(),
        text = kind.explanation(),
    )))
}
