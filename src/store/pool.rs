//! Connection pools, and transactions.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{PgConnection, PgPool, Postgres};

use super::Result;

/// A transaction. It is rolled back when it is dropped without [`commit`].
pub type Transaction = sqlx::Transaction<'static, Postgres>;

/// How long a request waits for a connection before it fails with 503.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// Limits of every session, set by Postgres's own timeouts, which also work when this process is suspended or its host is gone:
/// its locks are then released within seconds. <https://www.postgresql.org/docs/current/runtime-config-client.html>
const SESSION_LIMITS: &str = "
    set statement_timeout = '30s';
    set lock_timeout = '10s';
    set idle_in_transaction_session_timeout = '5s';
    set tcp_user_timeout = '10s';
    set tcp_keepalives_idle = '10s';
    set tcp_keepalives_interval = '5s';
    set tcp_keepalives_count = 3;
    set client_connection_check_interval = '5s'";

/// Sets the limits of a session.
async fn limit_session(db: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::raw_sql(SESSION_LIMITS).execute(db).await?;
    Ok(())
}

/// A pool that connects on first use, so that the process can start while Postgres is unavailable.
pub fn connect(options: PgConnectOptions, max_connections: u32) -> PgPool {
    lazy(max_connections)
        .after_connect(|db, _| Box::pin(limit_session(db)))
        .connect_lazy_with(options.application_name("latchkey"))
}

/// The same for the worker. A job is fetched with a list of tasks, and which index is best depends on how many jobs these have.
fn connect_worker(options: PgConnectOptions, max_connections: u32) -> PgPool {
    lazy(max_connections)
        .after_connect(|db, _| {
            Box::pin(async {
                limit_session(db).await?;
                sqlx::raw_sql("set plan_cache_mode = 'force_custom_plan'").execute(db).await?;
                Ok(())
            })
        })
        .connect_lazy_with(options.application_name("latchkey"))
}

fn lazy(max_connections: u32) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(max_connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
}

/// A pool of one connection, for a task that must not wait for others.
pub(crate) fn single(options: PgConnectOptions) -> PgPool {
    PgPoolOptions::new()
        .max_connections(1)
        .after_connect(|db, _| Box::pin(limit_session(db)))
        .connect_lazy_with(options)
}

/// The database's time.
pub(crate) async fn time(db: &mut PgConnection) -> Result<DateTime<Utc>> {
    Ok(sqlx::query_scalar!(r#"select clock_timestamp() as "time!""#).fetch_one(db).await?)
}

/// Whether the server is a standby, which may be behind its primary by any time.
///
/// # Errors
/// When the database is unavailable.
pub async fn is_standby(pool: &PgPool) -> Result<bool> {
    let mut db = pool.acquire().await?;
    Ok(sqlx::query_scalar!(r#"select pg_is_in_recovery() as "is_standby!""#)
        .fetch_one(&mut *db)
        .await?)
}

/// The connections of a process, in separate pools: a part of the process that uses all its connections does not delay the
/// other parts.
#[derive(Debug, Clone)]
pub struct Pools {
    /// For the public listener.
    pub public: PgPool,
    /// For the private listener and background tasks.
    pub private: PgPool,
    /// For the worker.
    pub worker: PgPool,
}

impl Pools {
    /// Divides the connections among the parts of the process.
    pub fn connect(options: &PgConnectOptions, connections: u32, serves: bool, works: bool) -> Self {
        let (public, private, worker) = shares(connections, serves, works);
        let pool = |share| connect(options.clone(), share);
        if !serves {
            return Self::undivided(&connect_worker(options.clone(), worker));
        }
        let private = pool(private);
        Self {
            public: pool(public),
            worker: if works {
                connect_worker(options.clone(), worker)
            } else {
                private.clone()
            },
            private,
        }
    }

    /// Uses one pool for everything.
    pub fn undivided(pool: &PgPool) -> Self {
        Self {
            public: pool.clone(),
            private: pool.clone(),
            worker: pool.clone(),
        }
    }

    pub async fn close(&self) {
        futures::join!(self.public.close(), self.private.close(), self.worker.close());
    }
}

/// The worker's minimum: its two queues each listen for jobs on a separate connection.
const LEAST_FOR_WORKER: u32 = 3;

/// The shares of the public listener, the private listener and the worker: three, three and four tenths if the process has
/// all of them.
fn shares(connections: u32, serves: bool, works: bool) -> (u32, u32, u32) {
    match (serves, works) {
        (true, true) => {
            let worker = (connections * 4 / 10).max(LEAST_FOR_WORKER);
            let public = (connections * 3 / 10).max(1);
            (public, connections.saturating_sub(worker + public).max(1), worker)
        }
        (true, false) => (connections / 2, connections.div_ceil(2), 0),
        (false, _) => (0, 0, connections),
    }
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

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(20, true, true, (6, 6, 8))]
    #[case(5, true, true, (1, 1, 3))]
    #[case(1000, true, true, (300, 300, 400))]
    #[case(20, true, false, (10, 10, 0))]
    #[case(20, false, true, (0, 0, 20))]
    fn connections_are_divided_among_the_parts_of_a_process(
        #[case] connections: u32,
        #[case] serves: bool,
        #[case] works: bool,
        #[case] expected: (u32, u32, u32),
    ) {
        let (public, private, worker) = shares(connections, serves, works);
        assert_eq!((public, private, worker), expected);
        assert_eq!(public + private + worker, connections);
    }
}
