//! Reads, by aggregate. Each takes its own connection from the pool.

pub mod approvals;
pub mod audit;
pub mod drifts;
pub mod incidents;
pub mod invites;
pub mod storage_configs;
pub mod tenants;
pub mod verifications;

use chrono::{DateTime, Utc};

/// Where a page begins (keyset pagination): creation time and ID of the last item before it, newest first.
pub type PageStart<Id> = (DateTime<Utc>, Id);
