//! The edge of the process: what clients on the network can and cannot do to it, and how it ends whatever they do.

mod bulkheads;
mod connections;
mod shutdown;
mod streams;
mod tls;
