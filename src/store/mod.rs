//! Postgres, one file per aggregate. A row becomes a domain type or an error, never a default value.

pub mod active_configs;
pub mod audit;
pub mod checks;
pub mod config_changes;
mod error;
pub mod idempotency;
pub mod invites;
pub mod jobs;
pub mod lease;
pub mod migrations;
pub mod pg_notify;
mod pool;
pub mod sessions;
pub mod stats;
pub mod storage_configs;
pub mod stuck;
pub mod tenant_list;
pub mod tenants;
pub mod tokens;
pub mod verifications;
pub mod webhook_deliveries;
pub mod webhook_queues;
pub mod webhooks;

pub use error::{Constraint, Result, StoreError};
pub use pool::{Transaction, acquire, begin, commit, connect};
