//! The edge of the process: what clients on the network can and cannot do to it, and how it shuts down regardless of them.

mod bulkheads;
mod connections;
mod shutdown;
mod streams;
mod tls;
