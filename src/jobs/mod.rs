//! The durable queue's tasks. Each is idempotent: a job may come twice, and will after a crash.

mod recheck;
mod sweep;
mod verify;

use std::sync::Arc;
use std::time::Duration;

use graphile_worker::{Cron, WorkerContext, WorkerOptions, WorkerRecoveryConfig, WorkerShutdownConfig};
use tokio_util::sync::CancellationToken;
use tracing::error;

use crate::cloud::Cloud;
use crate::service::Context;
use crate::settings::Worker;
use crate::store::jobs::SCHEMA;

pub use recheck::Recheck;
pub use sweep::Sweep;
pub use verify::Verify;

/// What every task is handed.
#[derive(Clone)]
pub struct JobContext {
    pub context: Context,
    pub cloud: Arc<dyn Cloud>,
}

impl std::fmt::Debug for JobContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JobContext").finish_non_exhaustive()
    }
}

/// How often the queue is looked at even when no notice came.
const POLL: Duration = Duration::from_secs(1);

/// Before the worker is started again after it failed, which is mostly because the database went away.
const PAUSE: Duration = Duration::from_secs(1);

/// Works until `stop` is cancelled, then lets what is under way end within the grace period. A worker that fails is
/// started again: what it had under way is taken on once it counts as lost.
pub async fn work(jobs: JobContext, settings: &Worker, stop: CancellationToken) {
    while !stop.is_cancelled() {
        match work_once(jobs.clone(), settings, stop.clone()).await {
            Ok(()) => return,
            Err(fault) => {
                error!(fault, "the worker failed and is started again");
                let pause = jobs.context.clock.sleep(PAUSE);
                stop.run_until_cancelled(pause).await;
            }
        }
    }
}

async fn work_once(jobs: JobContext, settings: &Worker, stop: CancellationToken) -> Result<(), String> {
    let beat = settings.lost_after / 4;
    let recovery = WorkerRecoveryConfig::default()
        .heartbeat_interval(beat)
        .sweep_interval(beat)
        .sweep_threshold(settings.lost_after)
        .recovery_delay(Duration::ZERO);
    let shutdown = WorkerShutdownConfig::default()
        .listen_os_shutdown_signals(false)
        .grace_period(settings.grace)
        .interrupted_job_retry_delay(Duration::ZERO)
        .shutdown_signal(async move { stop.cancelled().await });
    let pool = jobs.context.pool.clone();
    let worker = WorkerOptions::default()
        .pg_pool(pool)
        .schema(SCHEMA)
        .concurrency(settings.concurrency)
        .poll_interval(POLL)
        .worker_recovery(recovery)
        .worker_shutdown(shutdown)
        .add_extension(jobs)
        .define_job::<Verify>()
        .define_job::<Recheck>()
        .define_job::<Sweep>()
        .with_cron(
            Cron::hourly_at::<Sweep>(17)
                .map_err(|error| error.to_string())?
                .payload_value(serde_json::json!({})),
        )
        .init()
        .await
        .map_err(|error| error.to_string())?;
    worker.run().await.map_err(|error| error.to_string())
}

/// The context that `work` put beside the queue.
fn of(worker: &WorkerContext) -> JobContext {
    worker
        .get_ext::<JobContext>()
        .cloned()
        .expect("the worker is built with its context")
}
