//! What surrounds every request of a listener: its id, span and metrics, and the client's address.

pub mod client_address;
pub mod http_metrics;
pub mod request_layer;
