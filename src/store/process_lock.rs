//! A lock that a process holds while it lives, so that other processes know at once when it is gone.

use std::convert::Infallible;

use sqlx::postgres::PgConnectOptions;

use super::Result;
use super::watched_connection::WatchedConnection;

/// The first part of the lock's key. The view `live_processes` has the same number.
const NAMESPACE: i32 = 19531;

/// A lock on a separate connection. Postgres releases it when the connection ends, which a dying process cannot prevent.
pub(crate) struct ProcessLock(WatchedConnection);

impl ProcessLock {
    /// None if another process, or an earlier connection of this one, has the lock with this number.
    pub(crate) async fn acquire(options: PgConnectOptions, process: i32) -> Result<Option<Self>> {
        let mut connection = WatchedConnection::connect(options).await?;
        let taken = sqlx::query_scalar!(r#"select pg_try_advisory_lock($1, $2) as "taken!""#, NAMESPACE, process);
        let taken = connection.execute(async |db| taken.fetch_one(db).await).await?;
        Ok(taken.then_some(Self(connection)))
    }

    /// Returns when the connection is lost, and the lock with it.
    pub(crate) async fn hold(mut self) -> Result<Infallible> {
        loop {
            self.0.next().await?;
        }
    }
}
