//! Reads, by aggregate. Each takes its own connection from the pool.

pub mod approvals;
pub mod audit;
pub(crate) mod connection;
pub mod drifts;
pub mod invites;
pub mod storage_configs;
pub mod tenants;
pub mod verifications;

use chrono::{DateTime, Utc};

/// Where a page begins (keyset pagination): the time by which the last item before it is listed, and its ID.
pub type PageStart<Id> = (DateTime<Utc>, Id);
