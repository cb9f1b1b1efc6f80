//! Latchkey
pub mod cloud;
pub mod domain;
