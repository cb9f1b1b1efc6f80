//! Latchkey gives a software vendor secure access to its customers' S3 buckets and KMS keys, and verifies that AWS denies
//! this access without the customer's external ID.
//!
//! A customer submits a bucket, a key and a role. [`domain::submission`] validates them, [`service`] stores them as a version
//! and queues a verification, and [`verifier`] makes real AWS calls through [`cloud`]. [`domain::evaluator`] turns their
//! results into findings. A verified version becomes active, and [`read_model`] serves it to the vendor's services.
//!
//! Dependencies point in one direction: `domain ← store, cloud, outbound_http, outbound_mail, identity_provider ← read_model,
//! verifier ← service ← http, jobs, cli ← app ← main`.
//!
//! | module | contents |
//! | --- | --- |
//! | [`domain`] | terms and rules without I/O: IDs, ARNs, tenants, submissions, the catalogue of checks, templates |
//! | [`store`] | SQL, one file per aggregate |
//! | [`cloud`] | the port to AWS, and its implementation with the AWS SDKs |
//! | [`outbound_http`] | HTTP requests to user-supplied URLs, guarded against SSRF |
//! | [`outbound_mail`] | mail, by way of an SMTP relay |
//! | [`identity_provider`] | JWTs of the vendor's OpenID provider |
//! | [`read_model`] | what internal services read, in memory, kept current by the change feed |
//! | [`verifier`] | one run of a verification: which call can start when |
//! | [`service`] | use cases, each a function |
//! | [`jobs`] | the tasks of the durable queue, and the loop of re-verification |
//! | [`http`] | both listeners, one file per operation |
//! | [`cli`] | the command line, one file per command |
//! | [`app`] | composition |
//! | [`settings`], [`telemetry`], [`lifecycle`], [`clock`], [`database_clock`], [`single_flight`], [`rate_limiter`] | settings; logs, metrics and traces; start and shutdown; time and randomness; the database's time; a cache that loads each value once; rate limits |
//!
//! `docs/architecture.md` has diagrams, and an index of where to find what.

pub mod app;
pub mod cli;
pub mod clock;
pub mod cloud;
pub mod database_clock;
pub mod domain;
pub mod http;
pub mod identity_provider;
mod jobs;
pub mod lifecycle;
pub mod outbound_http;
pub mod outbound_mail;
mod rate_limiter;
pub mod read_model;
pub mod service;
pub mod settings;
mod single_flight;
pub mod store;
pub mod telemetry;
pub mod verifier;
