//! Errors as [RFC 9457](https://www.rfc-editor.org/rfc/rfc9457) problems. Callers read the text written here; internal causes
//! are logged and not shown.

use axum::extract::Path;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use chrono::SecondsFormat;
use serde::Serialize;
use strum::{EnumIter, EnumString, IntoEnumIterator, IntoStaticStr};
use tracing::error;
use utoipa::ToSchema;

use crate::domain::limits::VersionLimit;
use crate::domain::text::FieldError;
use crate::service::{Outage, StoreError};

/// Marks an answer that may be out of date because the database is unavailable.
pub(crate) const STALE: HeaderName = HeaderName::from_static("latchkey-stale");

pub(crate) const UNKNOWN_TENANT: &str = "There is no tenant with this ID or slug.";
pub(crate) const UNKNOWN_INVITE: &str = "This tenant has no invite with this ID.";
pub(crate) const UNKNOWN_CAMPAIGN: &str = "There is no campaign with this ID.";
pub(crate) const UNKNOWN_CONTACT: &str = "This tenant has no contact with this ID.";
pub(crate) const UNKNOWN_VERIFICATION: &str = "There is no verification with this ID.";

/// All problem types. The name is the last part of `type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumIter, EnumString, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum ProblemKind {
    Unreadable,
    Unauthenticated,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    RequestTimeout,
    Conflict,
    Suspended,
    Quarantined,
    Offboarded,
    CursorLost,
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
            Self::Forbidden | Self::Suspended | Self::Quarantined => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::Conflict => StatusCode::CONFLICT,
            Self::Offboarded | Self::CursorLost => StatusCode::GONE,
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
            Self::Unreadable => "Malformed request",
            Self::Unauthenticated => "Authentication required",
            Self::Forbidden => "Forbidden",
            Self::NotFound => "Not found",
            Self::MethodNotAllowed => "Method not allowed",
            Self::RequestTimeout => "Request timeout",
            Self::Conflict => "Conflict with the current state",
            Self::Suspended => "Tenant suspended",
            Self::Quarantined => "Tenant quarantined",
            Self::Offboarded => "Tenant offboarded",
            Self::CursorLost => "Cursor lost",
            Self::PreconditionFailed => "The resource has been modified",
            Self::PreconditionRequired => "If-Match header required",
            Self::TooLarge => "Request too large",
            Self::TooManyRequests => "Too many requests",
            Self::UnsupportedMediaType => "Unsupported media type",
            Self::Validation => "Invalid fields",
            Self::Internal => "Internal error",
            Self::Unavailable => "Service unavailable",
            Self::VendorSide => "Vendor-side configuration error",
            Self::CustomerSide => "Customer-side configuration error",
        }
    }

    /// The text of the problem's page.
    fn explanation(self) -> &'static str {
        match self {
            Self::Unreadable => "The body or the query string is malformed. `detail` says where.",
            Self::Unauthenticated => {
                "The request has no token, or one that is unknown, expired or revoked, or an invalid JWT; `detail` names the rule it breaks. \
                 Send a valid token in the header `Authorization: Bearer …`."
            }
            Self::Forbidden => "You are authenticated, but your role does not allow this. `detail` names the role that does.",
            Self::NotFound => "The resource does not exist, or you are not allowed to see it.",
            Self::MethodNotAllowed => "The path does not support this method. The `Allow` header lists the methods that it supports.",
            Self::RequestTimeout => {
                "The body must arrive within 30 seconds, and no pause in it may exceed 10 seconds. No changes were made."
            }
            Self::Conflict => "The request is valid but conflicts with the current state. `detail` says why.",
            Self::Quarantined => {
                "Two verifications in a row found that others can access the tenant's storage, or that it is no longer the customer's. Its \
                 storage config is not served until a verification succeeds."
            }
            Self::Suspended => {
                "The vendor's operations team has suspended the tenant. Its storage config is not served until it is resumed."
            }
            Self::Offboarded => "The tenant is offboarded. Its history is kept; its storage config is no longer served.",
            Self::CursorLost => {
                "The change feed no longer contains the cursor: the database was restored or has lost its last commits, or the cursor is very old. Read from the beginning, without `after`, and replace your copy."
            }
            Self::PreconditionFailed => "The resource was changed after you read it. Read it again and send the new `ETag` in `If-Match`.",
            Self::PreconditionRequired => {
                "Send the `ETag` from your last read in `If-Match`. This prevents overwriting someone else's change."
            }
            Self::TooLarge => "The body must not exceed 64 KiB, or 128 KiB for a batch of tenants.",
            Self::TooManyRequests => {
                "This client or this tenant has reached a limit. `detail` says which one. Wait for the time in the `Retry-After` header."
            }
            Self::UnsupportedMediaType => "Request bodies are JSON. Send them with `Content-Type: application/json`.",
            Self::Validation => "`errors` lists every invalid field, each with a code for programs and a sentence that says how to fix it.",
            Self::Internal => "The error was logged with the request ID in `instance`. Retrying may help.",
            Self::Unavailable => "A dependency does not respond. Retry after the time in the `Retry-After` header.",
            Self::VendorSide => {
                "AWS denies access to the vendor's own roles, so no credentials can be issued. The vendor's operations team can fix this."
            }
            Self::CustomerSide => {
                "The customer's role no longer grants access to the vendor. The customer can fix this; verify the tenant to see how."
            }
        }
    }

    fn name(self) -> &'static str {
        self.into()
    }
}

/// A problem that a handler returns.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    kind: ProblemKind,
    detail: String,
    errors: Vec<FieldError>,
    /// The answer may be out of date because the database is unavailable.
    stale: bool,
    /// Seconds after which a retry may help.
    retry_after: Option<u32>,
}

/// The members of RFC 9457, and `errors`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody {
    /// The kind of problem, which is also the path of a page that explains it.
    #[serde(rename = "type")]
    #[schema(example = "/problems/validation")]
    kind: String,
    title: &'static str,
    #[schema(example = 422)]
    status: u16,
    detail: String,
    /// The request ID, for finding the request in the logs.
    instance: String,
    /// Every invalid field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldErrorBody>,
}

/// An invalid field of a request.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FieldError)]
pub(crate) struct FieldErrorBody {
    /// The field's name in the request, such as `bucket_arn`.
    field: String,
    /// A stable code for programs.
    code: String,
    /// What is wrong and how to fix it, for people.
    detail: String,
    /// The value that was probably meant. Ask before you use it; Latchkey never corrects a value.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    suggestion: Option<String>,
}

impl From<FieldError> for FieldErrorBody {
    fn from(error: FieldError) -> Self {
        Self {
            field: error.field,
            code: error.code,
            detail: error.detail,
            suggestion: error.suggestion,
        }
    }
}

impl Problem {
    pub(crate) fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            errors: Vec::new(),
            stale: false,
            retry_after: None,
        }
    }

    pub(crate) fn validation(errors: Vec<FieldError>) -> Self {
        let fields: Vec<&str> = errors.iter().map(|error| error.field.as_str()).collect();
        let detail = format!("Invalid fields: {}. No changes were made.", fields.join(", "));
        Self {
            errors,
            ..Self::new(ProblemKind::Validation, detail)
        }
    }

    pub(crate) fn unknown_tenant() -> Self {
        Self::new(ProblemKind::NotFound, UNKNOWN_TENANT)
    }

    pub(crate) fn unknown_invite() -> Self {
        Self::new(ProblemKind::NotFound, UNKNOWN_INVITE)
    }

    pub(crate) fn unknown_verification() -> Self {
        Self::new(ProblemKind::NotFound, UNKNOWN_VERIFICATION)
    }

    /// For errors that are logged under the request ID and not shown.
    pub(crate) fn internal() -> Self {
        Self::new(
            ProblemKind::Internal,
            "An internal error occurred. It was logged under this request's ID.",
        )
    }

    /// The first request with an idempotency key is still being processed.
    pub(crate) fn idempotency_key_in_use() -> Self {
        let detail = "the first request with this key is still being processed; retry with the same key to get its response";
        Self::new(ProblemKind::Conflict, "A request with this idempotency key is in progress.")
            .with_errors(vec![FieldError::new("idempotency-key", "under_way", detail)])
            .retry_after(1)
    }

    pub(crate) fn offboarded() -> Self {
        Self::new(ProblemKind::Offboarded, "This tenant is offboarded and can no longer be changed.")
    }

    #[must_use]
    pub(crate) fn with_errors(self, errors: Vec<FieldError>) -> Self {
        Self { errors, ..self }
    }

    #[must_use]
    pub(crate) fn stale(self, stale: bool) -> Self {
        Self { stale, ..self }
    }

    #[must_use]
    pub(crate) fn retry_after(self, seconds: u32) -> Self {
        Self {
            retry_after: Some(seconds),
            ..self
        }
    }

    /// The body, for the request with this ID.
    pub(crate) fn body(self, request_id: &str) -> ProblemBody {
        ProblemBody {
            kind: format!("/problems/{}", self.kind.name()),
            title: self.kind.title(),
            status: self.kind.status().as_u16(),
            detail: self.detail,
            instance: request_id.to_owned(),
            errors: self.errors.into_iter().map(FieldErrorBody::from).collect(),
        }
    }

    pub(crate) fn kind(&self) -> ProblemKind {
        self.kind
    }

    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    pub(crate) fn errors(&self) -> &[FieldError] {
        &self.errors
    }

    /// Seconds after which a retry may help.
    pub(crate) fn seconds_to_wait(&self) -> Option<u32> {
        self.retry_after.or(match self.kind {
            ProblemKind::Unavailable => Some(2),
            ProblemKind::VendorSide | ProblemKind::CustomerSide => Some(30),
            _ => None,
        })
    }

    /// The response, for the request with this ID.
    pub(crate) fn render(self, request_id: &str) -> Response {
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

/// The problem travels in the response's extensions until the request layer, which knows the request ID, renders it.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.kind.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<VersionLimit> for Problem {
    fn from(reached: VersionLimit) -> Self {
        let setting = reached.setting();
        match reached {
            VersionLimit::Day { limit, until, seconds } => {
                let until = until.to_rfc3339_opts(SecondsFormat::Secs, true);
                let detail = format!(
                    "This tenant has submitted {limit} versions within 24 hours, which is the maximum. The next one is possible after {until}, or when {setting} is raised. No changes were made."
                );
                Self::new(ProblemKind::TooManyRequests, detail).retry_after(seconds)
            }
            VersionLimit::Total { limit } => {
                let detail = format!(
                    "This tenant has {limit} versions, which is the maximum. To allow more, raise {setting}. No changes were made."
                );
                Self::new(ProblemKind::Conflict, detail)
            }
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        if matches!(error, StoreError::TakenOver) {
            return Self::idempotency_key_in_use();
        }
        error!(%error, "database error");
        match error.outage() {
            Some(Outage::Unreachable) => Self::new(ProblemKind::Unavailable, "The database does not respond."),
            Some(Outage::RefusesChanges) => Self::new(
                ProblemKind::Unavailable,
                "The database cannot save changes: it is read-only or full.",
            ),
            Some(Outage::Overloaded) => Self::new(ProblemKind::Unavailable, "The database is overloaded."),
            None => Self::internal(),
        }
    }
}

/// The page at a problem's `type`.
pub(crate) async fn page(Path(name): Path<String>) -> Result<Html<String>, Problem> {
    let kind: ProblemKind = name
        .parse()
        .map_err(|_| Problem::new(ProblemKind::NotFound, "There is no problem with this name."))?;
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
