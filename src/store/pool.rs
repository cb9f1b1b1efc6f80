//! The pool of connections.

use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

/// How long a request waits for a connection before it gives up with 503.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// A pool that connects when it is first used, so that a start without Postgres is possible.
pub fn connect(options: PgConnectOptions, max_connections: u32) -> PgPool {
    PgPoolOptions::new()
        .max_connections(max_connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_lazy_with(options.application_name("latchkey"))
}
