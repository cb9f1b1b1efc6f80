//! Latchkey from the outside, against a real Postgres and the AWS stand-in. `./dev/test` starts both.
//!
//! Every test has its own database and its own AWS accounts, so that all run at once.

mod ablation;
mod api;
mod attempts;
mod audit;
mod aws;
mod blocking_proxy;
mod changes;
mod clients;
mod command_line;
mod crash;
mod credentials;
mod dashboard;
mod db_proxy;
mod directory;
mod form;
mod idempotency;
mod invites;
mod isolation;
mod journey;
mod lifecycle;
mod migrations;
mod observability;
mod operations;
mod pages;
mod postgres;
mod process;
mod provider;
mod recorded;
#[path = "../recorded_aws/mod.rs"]
mod recorded_aws;
mod removal;
mod resubmission;
mod rotation;
mod seed;
mod server;
mod shell;
mod sign_in;
mod start;
mod stream;
mod templates;
mod tenant_lock;
mod terminal;
mod under_change;
mod vendor_side;
mod webhooks;
