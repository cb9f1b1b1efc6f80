//! Refused requests, as they are counted for the audit log.

use chrono::{DateTime, Utc};

use super::audit::Actor;
use super::token::Role;

/// How often a caller's role did not allow an operation in an hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RefusalCount {
    /// The beginning of the hour.
    pub(crate) hour: DateTime<Utc>,
    pub(crate) actor: Actor,
    pub(crate) method: String,
    /// The pattern of the path.
    pub(crate) route: String,
    pub(crate) role: Role,
    pub(crate) count: i64,
    pub(crate) first_at: DateTime<Utc>,
    pub(crate) last_at: DateTime<Utc>,
}
