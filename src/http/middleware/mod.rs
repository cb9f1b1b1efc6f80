//! Middleware for every request of a listener: request ID, span, metrics, and the client's address.

pub mod client_address;
pub mod http_metrics;
pub mod request_layer;
