//! Middleware: request ID, span, metrics, the client's address, time limits and idempotency keys.

pub(crate) mod client_address;
pub(crate) mod http_metrics;
pub(crate) mod idempotency;
pub(crate) mod request_layer;
pub(crate) mod time_limit;
