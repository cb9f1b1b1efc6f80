//! A connection of a task's own, whose loss is noticed at once.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgListener, PgNotification};
use sqlx::{Acquire, Connection};

use super::{Result, pool};

/// How often an idle connection is tested. After a failover, Postgres can disappear without closing it.
const TEST_INTERVAL: Duration = Duration::from_secs(10);
/// The timeout of a statement.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(5);

pub(super) struct WatchedConnection(PgListener);

impl WatchedConnection {
    pub(super) async fn connect(options: PgConnectOptions) -> Result<Self> {
        let pool = pool::single(options.application_name("latchkey"));
        Ok(Self(within(PgListener::connect_with(&pool)).await?))
    }

    /// Executes a statement on the connection.
    pub(super) async fn execute<T>(&mut self, statement: impl AsyncFnOnce(&mut PgListener) -> sqlx::Result<T>) -> Result<T> {
        Ok(within(statement(&mut self.0)).await?)
    }

    /// Waits for the next notification.
    ///
    /// # Errors
    /// When the connection is lost.
    pub(super) async fn next(&mut self) -> Result<PgNotification> {
        loop {
            match tokio::time::timeout(TEST_INTERVAL, self.0.try_recv()).await {
                Ok(Ok(Some(notification))) => return Ok(notification),
                Ok(Ok(None)) => return Err(sqlx::Error::PoolClosed.into()),
                Ok(Err(error)) => return Err(error.into()),
                Err(_) => within(async { self.0.acquire().await?.ping().await }).await?,
            }
        }
    }
}

async fn within<T>(response: impl Future<Output = sqlx::Result<T>>) -> sqlx::Result<T> {
    let response = tokio::time::timeout(RESPONSE_TIMEOUT, response).await;
    response.unwrap_or(Err(sqlx::Error::PoolTimedOut))
}
