//! Two transactions at a time: one holds a lock that the other waits for.

use std::future::Future;
use std::time::Duration;

use sqlx::{Executor, PgPool};

/// Runs statements that take a lock in a transaction, starts `work`, and commits once `work` waits for the lock.
pub async fn commit_once_waiting<T>(pool: &PgPool, statements: &[&str], work: impl Future<Output = T>) -> T {
    let mut first = pool.begin().await.expect("a transaction begins");
    for statement in statements {
        first
            .execute(sqlx::AssertSqlSafe((*statement).to_owned()))
            .await
            .expect("the statement succeeds");
    }
    let mut work = Box::pin(work);
    loop {
        let is_waiting: bool = sqlx::query_scalar(
            "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')",
        )
        .fetch_one(pool)
        .await
        .expect("Postgres tells who waits");
        if is_waiting {
            break;
        }
        let waited = tokio::time::timeout(Duration::from_millis(5), &mut work).await;
        assert!(waited.is_err(), "the lock was not waited for");
    }
    first.commit().await.expect("the change is committed");
    work.await
}
