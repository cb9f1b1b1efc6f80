//! Leases: who may write to a running verification.

use crate::domain::ids::VerificationId;

/// The right to write to a running verification. Whoever takes the run on next makes this one worthless.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    pub verification: VerificationId,
    pub number: i64,
    pub attempt: i32,
}
