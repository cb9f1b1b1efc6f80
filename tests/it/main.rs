//! Latchkey from the outside, against a real Postgres and the AWS stand-in. `./dev/services` starts both.
//!
//! Each test has its own database and its own AWS accounts, so that all of them run in parallel. Tests that need the stand-in
//! have `with_aws` in their path: `cargo nextest run --profile postgres` runs all others.

#![allow(unreachable_pub, reason = "nothing can be reached from outside a test binary")]

mod api;
mod approval;
mod audit;
mod audit_chain;
mod change_feed;
mod command_line;
mod consistency;
mod credential_cache;
mod customer_api;
mod dashboard;
mod database_clock;
mod database_outage;
mod database_roles;
mod document_versions;
mod edge;
mod event_stream;
mod field_answers;
mod form;
mod history;
mod idempotency;
mod incidents;
mod invites;
mod last_verified;
mod limits;
mod lost_history;
mod mail;
mod migrations;
mod operations;
mod pasted_inputs;
mod queue;
mod read_model;
mod recorded;
#[path = "../recorded_aws/mod.rs"]
mod recorded_aws;
mod refusals;
mod removal;
mod routes;
mod sign_in;
mod silent_buckets;
mod start_without_database;
mod sts_quota;
mod support;
mod tenant_lock;
mod tenant_overview;
mod terminal;
mod threat_model;
mod vendor_setup_recorded;
mod webhooks;
mod with_aws;
