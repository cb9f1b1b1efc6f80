//! The depth of the job queue, with the SQL of its library.

use latchkey::store::jobs::{self, QueueDepth};
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::database::migrated_database;

async fn depth(pool: &PgPool) -> QueueDepth {
    jobs::depth(&mut pool.acquire().await.unwrap()).await.unwrap()
}

/// What a worker does when it takes a job.
async fn take(pool: &PgPool) {
    let taken = sqlx::query(
        "update graphile_worker._private_jobs set locked_at = now(), locked_by = 'crashed', attempts = attempts + 1 where is_available",
    );
    assert_eq!(taken.execute(pool).await.unwrap().rows_affected(), 1);
}

#[tokio::test]
async fn a_job_that_was_replaced_while_its_worker_crashed_has_not_failed() {
    let pool = latchkey::store::connect(migrated_database().await.parse().unwrap(), 2);
    let webhook = Uuid::nil().into();
    jobs::enqueue_deliver(&mut pool.acquire().await.unwrap(), webhook).await.unwrap();
    take(&pool).await;
    jobs::enqueue_deliver(&mut pool.acquire().await.unwrap(), webhook).await.unwrap();
    let running = depth(&pool).await;
    assert_eq!((running.running, running.ready, running.failed), (1, 1, 0));

    sqlx::query("select graphile_worker.force_unlock_workers(array['crashed'])")
        .execute(&pool)
        .await
        .unwrap();
    let exhausted: i64 = sqlx::query_scalar("select count(*) from graphile_worker._private_jobs where attempts = max_attempts")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(exhausted, 1, "the library exhausts its attempts, and does not delete it");
    let after = depth(&pool).await;
    assert_eq!((after.running, after.ready, after.failed), (0, 1, 0));

    // The new one fails as often as it may.
    let fail = "select graphile_worker.permanently_fail_jobs(array(select id from graphile_worker._private_jobs where is_available))";
    sqlx::query(fail).execute(&pool).await.unwrap();
    let failed = depth(&pool).await;
    assert_eq!((failed.ready, failed.failed), (0, 1));
}

/// A worker that looks for deliveries does not read all verifications that are queued.
#[tokio::test]
async fn fetching_a_job_does_not_depend_on_the_jobs_of_other_tasks() {
    let pool = latchkey::store::connect(migrated_database().await.parse().unwrap(), 2);
    let queue = "insert into graphile_worker._private_tasks (identifier) values ('verify'), ('deliver') on conflict do nothing;
        insert into graphile_worker._private_jobs (task_id, payload, key)
        select t.id, '{}', 'verify:' || n from generate_series(1, 5000) n, graphile_worker._private_tasks t where t.identifier = 'verify';
        analyze graphile_worker._private_jobs";
    sqlx::raw_sql(queue).execute(&pool).await.unwrap();
    let task: i32 = sqlx::query_scalar("select id from graphile_worker._private_tasks where identifier = 'deliver'")
        .fetch_one(&pool)
        .await
        .unwrap();
    // As the library fetches a job.
    let fetch = format!(
        "explain (analyze, buffers, format json)
         select id from graphile_worker._private_jobs jobs
         where is_available and run_at <= now() and task_id = any (array[{task}])
             and (job_queue_id is null or job_queue_id in (select id from graphile_worker._private_job_queues where is_available))
         order by priority, run_at limit 1 for update skip locked"
    );
    let plan: serde_json::Value = sqlx::query_scalar(sqlx::AssertSqlSafe(fetch)).fetch_one(&pool).await.unwrap();
    let text = plan.to_string();
    assert!(text.contains("latchkey_jobs_by_task"), "{plan:#}");
    let read = &plan[0]["Plan"]["Shared Hit Blocks"];
    assert!(read.as_i64().is_some_and(|blocks| blocks < 20), "{plan:#}");
}
