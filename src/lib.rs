//! Latchkey: a service by which a vendor takes over its customers' own S3 buckets and KMS keys, and proves that access
//! works for the vendor and for nobody else.
//!
//! Arrows point one way: `domain ← store, cloud, courier, identity_provider ← directory, verifier ← service ← http, jobs,
//! cli ← app ← main`.
//!
//! | room | what is in it |
//! | --- | --- |
//! | [`domain`] | words and rules, no I/O: ids, ARNs, tenants, submissions, the catalogue of checks, judging, templates |
//! | [`store`] | Postgres: one file for each aggregate, migrations, the queue's entrance |
//! | [`cloud`] | what is asked of AWS: a port in our words, and its implementation by the AWS SDKs |
//! | [`courier`] | the way out: what is sent to addresses that others chose, and what keeps it from going astray |
//! | [`identity_provider`] | whom the vendor's OpenID provider vouches for: its keys, and what its JWTs say |
//! | [`directory`] | what internal services ask for, held in memory and kept true by the change feed |
//! | [`verifier`] | one run: which call may start when, and what becomes of its answer |
//! | [`service`] | use cases, each a function |
//! | [`jobs`] | the durable queue's tasks |
//! | [`http`] | both listeners, one file for each operation |
//! | [`cli`] | the command line, one file for each command |
//! | [`app`] | composition: the only place that knows everyone |
//! | [`settings`], [`telemetry`], [`lifecycle`], [`clock`] | settings; logs, metrics and traces; start and stop; time and randomness |

pub mod app;
pub mod cli;
pub mod clock;
pub mod cloud;
pub mod domain;
pub mod http;
pub mod identity_provider;
pub mod jobs;
pub mod lifecycle;
pub mod outbound_http;
pub mod read_model;
pub mod service;
pub mod settings;
pub mod single_flight;
pub mod store;
pub mod telemetry;
pub mod verifier;
