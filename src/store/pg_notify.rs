//! Notifications of verification events, by Postgres's `NOTIFY`: sent when the transaction commits, received by every process.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgListener};
use sqlx::{Acquire, Connection, PgConnection};

use super::{Result, pool};
use crate::domain::ids::VerificationId;

/// The channel on which a verification's ID is sent whenever it has a new event.
const VERIFICATIONS: &str = "latchkey_verifications";

pub(crate) async fn verification_changed(db: &mut PgConnection, id: VerificationId) -> Result<()> {
    sqlx::query!("select pg_notify($1, $2)", VERIFICATIONS, id.to_string())
        .execute(db)
        .await?;
    Ok(())
}

/// How often an idle connection is tested. After a failover, Postgres can disappear without closing it.
const TEST_INTERVAL: Duration = Duration::from_secs(10);
/// The timeout of a statement.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Listens on a separate connection, so that requests cannot starve it.
pub(crate) struct VerificationListener(PgListener);

impl VerificationListener {
    pub(crate) async fn connect(options: PgConnectOptions) -> Result<Self> {
        let mut listener = within(PgListener::connect_with(&pool::single(options))).await?;
        within(listener.listen(VERIFICATIONS)).await?;
        Ok(Self(listener))
    }

    /// Waits for the next notification. None if it names no verification.
    ///
    /// # Errors
    /// When the connection is lost.
    pub(crate) async fn next(&mut self) -> Result<Option<VerificationId>> {
        loop {
            match tokio::time::timeout(TEST_INTERVAL, self.0.try_recv()).await {
                Ok(Ok(Some(notification))) => return Ok(VerificationId::parse(notification.payload()).ok()),
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
