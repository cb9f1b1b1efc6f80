//! Postgres, one file per aggregate. A row becomes a domain type or an error, never a default value.

pub(crate) mod active_configs;
pub(crate) mod approvals;
pub(crate) mod audit;
pub(crate) mod audit_chain;
pub(crate) mod call_budgets;
pub(crate) mod checks;
pub(crate) mod config_changes;
pub(crate) mod drifts;
mod error;
pub mod grants;
pub(crate) mod idempotency;
pub(crate) mod invite_sessions;
pub(crate) mod invites;
pub(crate) mod issuances;
pub mod jobs;
pub(crate) mod lease;
pub mod migrations;
pub(crate) mod pg_notify;
mod pool;
pub(crate) mod refusals;
pub mod reverifications;
pub(crate) mod sessions;
pub(crate) mod stats;
pub(crate) mod storage_configs;
pub(crate) mod stuck;
pub(crate) mod tenant_list;
pub mod tenants;
pub(crate) mod tokens;
pub mod verifications;
pub(crate) mod webhook_deliveries;
pub(crate) mod webhook_queues;
pub(crate) mod webhooks;

pub(crate) use error::unless_changes_are_refused;
pub use error::{Constraint, Outage, Result, StoreError};
pub use pool::{Pools, Transaction, acquire, begin, commit, connect};
pub(crate) use pool::{single, time};
