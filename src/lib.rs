//! Latchkey
pub mod clock;
pub mod cloud;
pub mod domain;
pub mod http;
pub mod jobs;
pub mod lifecycle;
pub mod service;
pub mod settings;
pub mod store;
pub mod telemetry;
pub mod verifier;
