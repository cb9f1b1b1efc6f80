//! `GET /internal/v1/tenants/{tenant}/credentials`

use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::lookup::{self, Found};
use crate::domain::access_level::AccessLevel;
use crate::domain::grant::{Grant, SessionDuration};
use crate::domain::key_prefix::KeyPrefix;
use crate::domain::text::{FieldError, Malformed};
use crate::http::AppState;
use crate::http::auth::StorageReader;
use crate::http::conventions::extract::Params;
use crate::http::conventions::problem::{self, Problem, ProblemKind, STALE};
use crate::read_model::ConfigDocument;
use crate::service::credential_cache::{Credentials, CredentialsRefused};
use crate::service::issuances::Issuance;

/// How often a request waits for STS, when a new version becomes active each time.
const MAX_WAITS: usize = 3;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct CredentialParams {
    /// `read` or `read_write`. Defaults to the access that the tenant has granted.
    access: Option<String>,
    /// Limits access to object keys with this prefix, such as `invoices/2026/`. Must start with the prefix of the storage config, if it has
    /// one.
    prefix: Option<String>,
    /// How long the credentials are valid, in seconds. Defaults to 3600, the maximum with role chaining.
    #[param(value_type = Option<u16>, minimum = 900, maximum = 3600)]
    ttl: Option<String>,
}

impl CredentialParams {
    /// The grant, within what the tenant has granted.
    fn grant(&self, document: &ConfigDocument) -> Result<Grant, Problem> {
        let mut faults = Vec::new();
        let granted = document.access();
        let level = self.access.as_deref().map_or(Ok(granted), AccessLevel::parse).and_then(|level| {
            if granted.includes(level) {
                return Ok(level);
            }
            Err(Malformed::new(
                "access_not_granted",
                "the tenant has granted read access only; request read",
            ))
        });
        let level = level.map_err(|malformed| faults.push(FieldError::of("access", malformed)));
        let prefix = self.prefix.as_deref().map(|text| prefix_within(text, document)).transpose();
        let prefix = prefix.map_err(|malformed| faults.push(FieldError::of("prefix", malformed)));
        let duration = self.ttl.as_deref().map_or(Ok(SessionDuration::default()), SessionDuration::parse);
        let duration = duration.map_err(|malformed| faults.push(FieldError::of("ttl", malformed)));
        match (level, prefix, duration) {
            (Ok(level), Ok(prefix), Ok(duration)) => Ok(Grant { level, prefix, duration }),
            _ => Err(Problem::validation(faults)),
        }
    }
}

fn prefix_within(text: &str, document: &ConfigDocument) -> Result<KeyPrefix, Malformed> {
    let prefix = KeyPrefix::parse(text)?;
    match document.read().prefix {
        Some(granted) if !granted.contains(text) => Err(Malformed::new(
            "prefix_not_granted",
            format!("the tenant has granted access below {granted} only; the prefix must start with it"),
        )),
        _ => Ok(prefix),
    }
}

/// Credentials in the format that AWS SDKs read.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ContainerCredentials {
    access_key_id: String,
    secret_access_key: String,
    token: String,
    expiration: chrono::DateTime<chrono::Utc>,
}

impl From<CredentialsRefused> for Problem {
    fn from(refused: CredentialsRefused) -> Self {
        let kind = match refused {
            CredentialsRefused::PolicyTooLong => {
                return Self::validation(vec![FieldError::new("prefix", "prefix_too_long", refused.to_string())]);
            }
            CredentialsRefused::TokenBudget { .. } => ProblemKind::TooManyRequests,
            CredentialsRefused::NoRegion | CredentialsRefused::ModeNotOffered | CredentialsRefused::VendorSide { .. } => {
                ProblemKind::VendorSide
            }
            CredentialsRefused::CustomerSide { .. } => ProblemKind::CustomerSide,
            CredentialsRefused::Unanswered { .. } | CredentialsRefused::ProcessBudget { .. } | CredentialsRefused::DatabaseAway => {
                ProblemKind::Unavailable
            }
        };
        let problem = Self::new(kind, format!("Cannot issue credentials for this tenant: {refused}."));
        match refused {
            CredentialsRefused::TokenBudget { retry_after } | CredentialsRefused::ProcessBudget { retry_after } => {
                problem.retry_after(retry_after.seconds)
            }
            _ => problem,
        }
    }
}

pub(super) const PATH: &str = "/internal/v1/tenants/{tenant}/credentials";

/// Get credentials for a tenant's documents
///
/// The credentials are limited to the tenant's bucket and key, and expire after at most an hour. AWS SDKs fetch and renew
/// them automatically when `AWS_CONTAINER_CREDENTIALS_FULL_URI` is this URL and `AWS_CONTAINER_AUTHORIZATION_TOKEN` is
/// `Bearer lk_service_…`.
#[utoipa::path(
    operation_id = "getCredentials",
    get, path = PATH, tag = "internal",
    params(("tenant" = String, Path, description = "ID or slug"), CredentialParams),
    responses(
        (status = 200, body = ContainerCredentials),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
        (status = 503, body = problem::ProblemBody, content_type = "application/problem+json",
            description = "`type` says which side has to act: `vendor-side`, `customer-side`, or `unavailable` when AWS does not respond"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    mut reader: StorageReader,
    headers: HeaderMap,
    Path(tenant): Path<String>,
    Params(params): Params<CredentialParams>,
) -> Result<Response, Problem> {
    let mut waited = false;
    for _ in 0..MAX_WAITS {
        let found = lookup::find(&state.read_model, &reader, &tenant)?;
        let grant = params.grant(found.active.document())?;
        // A session that could not be recorded must not be made, either.
        let database_age = state.read_model.age().unwrap_or(Duration::MAX).max(state.issuances.failing_for());
        let issued = state
            .credentials
            .get(&found.active, reader.identity().caller_tag(), &grant, database_age)
            .await;
        if let Err(CredentialsRefused::CustomerSide { operation, code }) = &issued {
            let tenant = found.active.tenant();
            state.reports.observe(&state.context, tenant, operation, code.as_deref()).await;
        }
        let issued = issued?;
        if !issued.waited {
            let issuance = Issuance {
                identity: reader.identity(),
                tenant: found.active.tenant(),
                access: grant.level,
                credentials: &issued.credentials,
                waited,
            };
            state.issuances.record(&issuance, found.stale).await;
            return Ok(answer(&found, &issued.credentials));
        }
        // During the wait, the token may have been revoked, the tenant suspended, or another version activated: everything
        // is checked again. Usually nothing has changed, and the credentials are in the cache now.
        waited = true;
        reader = StorageReader::again(&headers, &state)?;
    }
    let detail = "The tenant's storage config changed while credentials for it were requested. Try again.";
    Err(Problem::new(ProblemKind::Unavailable, detail))
}

pub(crate) fn answer(found: &Found, credentials: &Credentials) -> Response {
    let mut response = Response::new(Body::from(credentials.body()));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if found.stale {
        headers.insert(STALE, HeaderValue::from_static("true"));
    }
    response
}
