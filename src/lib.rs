//! Latchkey
pub mod clock;
pub mod cloud;
pub mod domain;
pub mod service;
pub mod store;
pub mod verifier;
