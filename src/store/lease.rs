//! Leases: who may write to a running verification.

use chrono::{DateTime, Utc};

use crate::domain::ids::VerificationId;

/// The right to write to a running verification. A worker that takes over the run invalidates it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    pub verification: VerificationId,
    pub number: i64,
    pub attempt: i32,
    /// By the database's clock. Nothing may be written to the customer's bucket from then on.
    pub until: DateTime<Utc>,
}
