//! The schema: our migrations, and those of the job queue.

use std::time::Duration;

use graphile_worker::WorkerUtils;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{ConnectOptions, Connection, PgConnection, PgPool};

use super::error::Outage;
use super::jobs::{self, SCHEMA};
use crate::clock::Clock;

pub static MIGRATIONS: Migrator = sqlx::migrate!();

/// The advisory lock for migrations of the job queue. The number is arbitrary.
const LOCK: i64 = 0x6c61_7463_686b_6579;

#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    #[error("cannot connect to the database: {0}; check DATABASE_URL and that Postgres is running")]
    Unreachable(#[source] sqlx::Error),
    #[error("cannot migrate the database schema: {0}")]
    Ours(#[from] MigrateError),
    #[error(
        "the database schema lacks migrations of this version, and this database role may not migrate it; run latchkey migrate \
         --grant-to ROLE with the owner's DATABASE_URL"
    )]
    NotOwner,
    #[error("cannot migrate the job queue's schema: {0}")]
    Queue(String),
    #[error("database error: {0}")]
    Database(#[from] sqlx::Error),
}

/// How long a migrating session may be without a statement. A process that is suspended would otherwise hold the lock and block all
/// others. While the queue is migrated, the session waits in a transaction; each of those statements takes 30 seconds at most.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// How long to wait before trying to reach the database again.
const RETRY: Duration = Duration::from_millis(500);

/// Migrates the schema as soon as the database is reachable.
///
/// # Errors
/// When the database is reachable and refuses the connection, or a migration fails.
pub async fn run_when_reachable(pool: &PgPool, clock: &dyn Clock) -> Result<(), MigrationError> {
    let mut warned = false;
    loop {
        match run(pool).await {
            Err(error) if error.is_transient() => {
                if !warned {
                    tracing::warn!(%error, "waiting for the database");
                    warned = true;
                }
            }
            done => return done,
        }
        clock.sleep(RETRY).await;
    }
}

impl MigrationError {
    /// Whether waiting may help. A wrong password, for example, is permanent.
    fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable(error)
            | Self::Database(error)
            | Self::Ours(MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) => Outage::of(error).is_some(),
            Self::Ours(_) | Self::Queue(_) | Self::NotOwner => false,
        }
    }
}

/// Migrates the schema. Several processes can do this at once: they wait for each other. A role that may not migrate only checks that
/// nothing is missing.
pub async fn run(pool: &PgPool) -> Result<(), MigrationError> {
    run_within(pool, LONGEST_PAUSE).await
}

/// The same, with this limit on the pause between two statements.
pub async fn run_within(pool: &PgPool, longest_pause: Duration) -> Result<(), MigrationError> {
    // A pool only reports its timeout; a single connection reports the cause. Its statements have no limits: building an index may take
    // long.
    let mut db = pool.connect_options().connect().await.map_err(MigrationError::Unreachable)?;
    if !may_migrate(&mut db).await? {
        return match all_applied(&mut db).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(MigrationError::NotOwner),
            // There is no schema, or no right to read it.
            Err(sqlx::Error::Database(error)) if matches!(error.code().as_deref(), Some("42P01" | "42501")) => {
                Err(MigrationError::NotOwner)
            }
            Err(error) => Err(error.into()),
        };
    }
    limit_pauses(&mut db, longest_pause).await?;
    MIGRATIONS.run(&mut db).await?;
    // The queue's library takes no lock. This one is held until the end of the transaction.
    let mut lock = db.begin().await?;
    sqlx::query!("select pg_advisory_xact_lock($1)", LOCK).execute(&mut *lock).await?;
    if let Err(error) = WorkerUtils::new(pool.clone(), SCHEMA).migrate().await {
        // If the database is gone, this connection is lost, too, and has the actual cause.
        lock.ping().await?;
        return Err(MigrationError::Queue(error.to_string()));
    }
    sqlx::raw_sql(jobs::INDEX_BY_TASK).execute(&mut *lock).await?;
    lock.commit().await?;
    db.close().await?;
    Ok(())
}

/// Lets Postgres end the session after this time without a statement.
async fn limit_pauses(db: &mut PgConnection, longest: Duration) -> Result<(), sqlx::Error> {
    sqlx::query("select set_config('idle_session_timeout', $1, false), set_config('idle_in_transaction_session_timeout', $1, false)")
        .bind(longest.as_millis().to_string())
        .execute(db)
        .await?;
    Ok(())
}

/// Whether the connection's role may change the schema. A service that runs as another role than the owner may not: see `grants`.
async fn may_migrate(db: &mut PgConnection) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("select coalesce(has_schema_privilege(current_schema(), 'create'), false)")
        .fetch_one(db)
        .await
}

/// Whether the schema has every migration of this version.
pub async fn are_applied(db: &mut PgConnection) -> super::Result<bool> {
    Ok(all_applied(db).await?)
}

async fn all_applied(db: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let applied = sqlx::query_scalar::<_, i64>("select max(version) from _sqlx_migrations where success")
        .fetch_one(db)
        .await?;
    Ok(MIGRATIONS.iter().all(|migration| migration.version <= applied))
}
