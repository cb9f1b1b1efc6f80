//! The connection pool, and transactions.

use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{PgPool, Postgres};

use super::Result;

/// A transaction. It is rolled back when it is dropped without [`commit`].
pub type Transaction = sqlx::Transaction<'static, Postgres>;

/// How long a request waits for a connection before it fails with 503.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// A pool that connects on first use, so that the process can start while Postgres is unavailable.
pub fn connect(options: PgConnectOptions, max_connections: u32) -> PgPool {
    PgPoolOptions::new()
        .max_connections(max_connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_lazy_with(options.application_name("latchkey"))
}

pub async fn acquire(pool: &PgPool) -> Result<PoolConnection<Postgres>> {
    Ok(pool.acquire().await?)
}

pub async fn begin(pool: &PgPool) -> Result<Transaction> {
    Ok(pool.begin().await?)
}

pub async fn commit(transaction: Transaction) -> Result<()> {
    Ok(transaction.commit().await?)
}
