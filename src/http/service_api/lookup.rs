//! A tenant's storage, as the directory knows it and as a token may know it.

use axum::http::{HeaderMap, HeaderValue};
use serde_json::value::RawValue;

use crate::domain::ids::TenantRef;
use crate::http::auth::StorageReader;
use crate::http::conventions::problem::{Problem, ProblemKind, STALE};
use crate::read_model::{ActiveEntry, Freshness, NotReady, ReadModel, ServingState};

/// A tenant with something active.
pub struct Found {
    pub active: ActiveEntry,
    pub stale: bool,
}

impl From<NotReady> for Problem {
    fn from(unready: NotReady) -> Self {
        Self::new(ProblemKind::Unavailable, unready.to_string())
    }
}

/// # Errors
/// 404 for what is unknown, has nothing active, or is none of the token's tenants; 403 `suspended`, 410 `offboarded`; 503.
pub fn find(directory: &ReadModel, reader: &StorageReader, name: &str) -> Result<Found, Problem> {
    let stale = directory.freshness()? == Freshness::Stale;
    let tenant = TenantRef::parse(name).map_err(|malformed| {
        let detail = format!("No tenant goes by this name: it is no id, and {malformed}.");
        Problem::new(ProblemKind::NotFound, detail).stale(stale)
    })?;
    let nothing = || {
        let detail = "There is no tenant of this id or slug, or it has no verified storage yet.";
        Problem::new(ProblemKind::NotFound, detail)
    };
    let entry = directory.find(&tenant).filter(|entry| reader.covers(entry.tenant));
    let refused = match entry.as_deref().map(|entry| &entry.state) {
        Some(ServingState::Suspended) => Problem::new(ProblemKind::Suspended, "This tenant was switched off by operations."),
        Some(ServingState::Offboarded) => Problem::new(ProblemKind::Offboarded, "This tenant has ended."),
        _ => match entry.and_then(ActiveEntry::new) {
            Some(active) => return Ok(Found { active, stale }),
            None => nothing(),
        },
    };
    Err(refused.stale(stale))
}

/// A document, to be put into an answer as it is.
pub fn raw(body: &[u8]) -> Option<Box<RawValue>> {
    serde_json::from_slice(body).ok()
}

/// The header that marks an answer as stale, if it is.
///
/// # Errors
/// When nothing may be answered.
pub fn marks(directory: &ReadModel) -> Result<HeaderMap, Problem> {
    let mut headers = HeaderMap::new();
    if directory.freshness()? == Freshness::Stale {
        headers.insert(STALE, HeaderValue::from_static("true"));
    }
    Ok(headers)
}
