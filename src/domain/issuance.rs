//! Issuances of credentials, as they are counted for the audit log.

use chrono::{DateTime, DurationRound, TimeDelta, Utc};

use super::access_level::AccessLevel;
use super::audit::Actor;
use super::ids::TenantId;

/// How often a caller was handed credentials for a tenant in an hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IssuanceCount {
    pub(crate) tenant: TenantId,
    /// The beginning of the hour.
    pub(crate) hour: DateTime<Utc>,
    pub(crate) actor: Actor,
    pub(crate) access: AccessLevel,
    pub(crate) count: i64,
    pub(crate) first_at: DateTime<Utc>,
    pub(crate) last_at: DateTime<Utc>,
    /// When the last of these sessions expires.
    pub(crate) expires_at: DateTime<Utc>,
}

/// The hour that an instant is in.
pub(crate) fn hour_of(at: DateTime<Utc>) -> DateTime<Utc> {
    at.duration_trunc(TimeDelta::hours(1)).unwrap_or(at)
}
