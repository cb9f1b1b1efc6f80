//! Middleware for every request of a listener: request ID, span, metrics, and the client's address.

pub(crate) mod client_address;
pub(crate) mod http_metrics;
pub(crate) mod request_layer;
pub(crate) mod time_limit;
