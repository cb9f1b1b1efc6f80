//! Looks up a tenant's active storage config in the read model, within what the token may see.

use axum::http::{HeaderMap, HeaderValue};
use serde_json::value::RawValue;

use crate::domain::ids::TenantRef;
use crate::http::auth::StorageReader;
use crate::http::conventions::problem::{Problem, ProblemKind, STALE};
use crate::read_model::{ActiveEntry, Freshness, NotReady, ReadModel, ServingState};

/// A tenant with an active storage config.
pub(crate) struct Found {
    pub active: ActiveEntry,
    pub stale: bool,
}

impl From<NotReady> for Problem {
    fn from(unready: NotReady) -> Self {
        Self::new(ProblemKind::Unavailable, unready.to_string())
    }
}

/// # Errors
/// 404 when the tenant is unknown, has no active config, or is not covered by the token; 403 `suspended` or `quarantined`; 410 `offboarded`; 503.
pub(crate) fn find(read_model: &ReadModel, reader: &StorageReader, name: &str) -> Result<Found, Problem> {
    let stale = read_model.freshness()? == Freshness::Stale;
    let tenant = TenantRef::parse(name).map_err(|malformed| {
        let detail = format!("There is no tenant with this name: it is neither an ID nor a slug ({malformed}).");
        Problem::new(ProblemKind::NotFound, detail).stale(stale)
    })?;
    let nothing = || {
        let detail = "There is no tenant with this ID or slug, or it has no verified storage config yet.";
        Problem::new(ProblemKind::NotFound, detail)
    };
    let entry = read_model.find(&tenant).filter(|entry| reader.covers(entry.tenant));
    let refused = match entry.as_deref().map(|entry| &entry.state) {
        Some(ServingState::Suspended) => Problem::new(ProblemKind::Suspended, "This tenant is suspended."),
        Some(ServingState::Quarantined) => Problem::new(
            ProblemKind::Quarantined,
            "Verifications found that others can access this tenant's storage, or that it is no longer the customer's. It is served again \
             once a verification succeeds.",
        ),
        Some(ServingState::Offboarded) => Problem::new(ProblemKind::Offboarded, "This tenant is offboarded."),
        _ => match entry.and_then(ActiveEntry::new) {
            Some(active) => return Ok(Found { active, stale }),
            None => nothing(),
        },
    };
    Err(refused.stale(stale))
}

/// A document as raw JSON, for embedding in a response.
pub(crate) fn raw(body: &[u8]) -> Option<Box<RawValue>> {
    serde_json::from_slice(body).ok()
}

/// Headers of an answer: whether it is stale.
///
/// # Errors
/// When no answer can be given.
pub(crate) fn freshness_headers(read_model: &ReadModel) -> Result<HeaderMap, Problem> {
    let mut headers = HeaderMap::new();
    if read_model.freshness()? == Freshness::Stale {
        headers.insert(STALE, HeaderValue::from_static("true"));
    }
    Ok(headers)
}
