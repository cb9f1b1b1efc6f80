//! The tasks of the durable queue. Each must be idempotent: a job can run twice, and does after a crash.

mod audit_credentials;
mod campaign;
mod deliver;
mod reverify;
mod send_mail;
mod sweep;
mod verification_permits;
mod verify;

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use graphile_worker::{Cron, WorkerContext, WorkerOptions, WorkerRecoveryConfig, WorkerShutdownConfig};
use tokio_util::sync::CancellationToken;
use tracing::error;

use crate::clock::SharedClock;
use crate::cloud::Cloud;
use crate::domain::webhook::MOST;
use crate::outbound_http::OutboundClient;
use crate::outbound_mail::Mailer;
use crate::service::{Context, mail, webhooks};
use crate::settings::WorkerSettings;
use crate::store::jobs::{MAIL_QUEUES, SCHEMA};
use crate::telemetry::metric;

pub(crate) use audit_credentials::AuditCredentials;
pub(crate) use campaign::AdvanceCampaign;
pub(crate) use deliver::{Deliver, DeliverOnce};
pub(crate) use reverify::reverify;
pub(crate) use send_mail::SendMail;
pub(crate) use sweep::Sweep;
pub(crate) use verification_permits::VerificationPermits;
pub(crate) use verify::Verify;

/// The context of tasks.
#[derive(Clone)]
pub(crate) struct JobContext {
    pub context: Context,
    pub cloud: Arc<dyn Cloud>,
    pub permits: VerificationPermits,
}

impl Debug for JobContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JobContext").finish_non_exhaustive()
    }
}

/// The context of tasks that deliver to webhooks, send mail and advance campaigns.
#[derive(Debug, Clone)]
pub(crate) struct DeliveryContext {
    pub context: Context,
    pub client: OutboundClient,
    /// None if mail is off.
    pub mailer: Option<Mailer>,
}

/// How often the queue is polled, in case a notification was missed.
const POLL: Duration = Duration::from_secs(1);

/// Delay before a failed worker is restarted. The usual cause is an unavailable database.
const PAUSE: Duration = Duration::from_secs(1);

/// The part of the grace period that is reserved for returning unfinished jobs to the queue.
const RETURN_TIME: Duration = Duration::from_secs(2);

/// How many webhooks are served concurrently: as many as can exist, so that a slow receiver does not delay the others.
const DELIVERIES: usize = 20;
const _: () = assert!(MOST == 20, "every webhook needs a slot");

/// Campaigns advance one after another.
const CAMPAIGNS: usize = 1;

/// How often the age of the oldest pending message is measured.
const LOOK: Duration = Duration::from_secs(15);

/// Works until `stop`, and then lets running jobs finish within the grace period. A failed worker is restarted. Its running
/// jobs are retried once their locks expire.
pub(crate) async fn work(jobs: JobContext, settings: &WorkerSettings, stop: CancellationToken) {
    let clock = jobs.context.clock.clone();
    keep_working(&clock, &stop, || run_worker(jobs.clone(), settings, stop.clone())).await;
}

/// Delivers webhook messages, sends mail and advances campaigns. This is a separate worker, so that a slow receiver does not delay verifications.
pub(crate) async fn deliver(deliveries: DeliveryContext, settings: &WorkerSettings, stop: CancellationToken) {
    let clock = deliveries.context.clock.clone();
    let working = keep_working(&clock, &stop, || run_delivery_worker(deliveries.clone(), settings, stop.clone()));
    let measuring = stop.run_until_cancelled(measure(&deliveries.context));
    tokio::join!(working, measuring);
}

async fn keep_working<F>(clock: &SharedClock, stop: &CancellationToken, once: impl Fn() -> F)
where
    F: Future<Output = Result<(), String>>,
{
    while !stop.is_cancelled() {
        match once().await {
            Ok(()) => return,
            Err(fault) => {
                metrics::counter!(metric::WORKER_RESTARTS.name).increment(1);
                error!(fault, "worker failed, restarting");
                stop.run_until_cancelled(clock.sleep(PAUSE)).await;
            }
        }
    }
}

async fn run_worker(jobs: JobContext, settings: &WorkerSettings, stop: CancellationToken) -> Result<(), String> {
    let pool = jobs.context.pool.clone();
    let audit = Cron::hourly_at::<AuditCredentials>(5).map_err(|error| error.to_string())?;
    let sweep = Cron::hourly_at::<Sweep>(17).map_err(|error| error.to_string())?;
    let worker = options(settings, stop)
        .pg_pool(pool)
        .concurrency(settings.concurrency * verification_permits::PLACES_PER_PERMIT)
        .add_extension(jobs)
        .define_job::<Verify>()
        .define_job::<Sweep>()
        .define_job::<AuditCredentials>()
        .with_cron(audit.payload_value(serde_json::json!({})))
        .with_cron(sweep.payload_value(serde_json::json!({})));
    let worker = worker.init().await.map_err(|error| error.to_string())?;
    worker.run().await.map_err(|error| error.to_string())
}

async fn run_delivery_worker(deliveries: DeliveryContext, settings: &WorkerSettings, stop: CancellationToken) -> Result<(), String> {
    let pool = deliveries.context.pool.clone();
    let worker = options(settings, stop)
        .pg_pool(pool)
        .concurrency(DELIVERIES + MAIL_QUEUES + CAMPAIGNS)
        .add_extension(deliveries)
        .define_job::<Deliver>()
        .define_job::<DeliverOnce>()
        .define_job::<SendMail>()
        .define_job::<AdvanceCampaign>();
    let worker = worker.init().await.map_err(|error| error.to_string())?;
    worker.run().await.map_err(|error| error.to_string())
}

/// The options that all workers share.
fn options(settings: &WorkerSettings, stop: CancellationToken) -> WorkerOptions {
    let beat = settings.lost_after / 4;
    let recovery = WorkerRecoveryConfig::default()
        .heartbeat_interval(beat)
        .sweep_interval(beat)
        .sweep_threshold(settings.lost_after)
        .recovery_delay(Duration::ZERO);
    let shutdown = WorkerShutdownConfig::default()
        .listen_os_shutdown_signals(false)
        .grace_period(settings.shutdown_grace.saturating_sub(RETURN_TIME).max(settings.shutdown_grace / 2))
        .interrupted_job_retry_delay(Duration::ZERO)
        .shutdown_signal(async move { stop.cancelled().await });
    WorkerOptions::default()
        .schema(SCHEMA)
        .poll_interval(POLL)
        .worker_recovery(recovery)
        .worker_shutdown(shutdown)
}

/// Keeps the metrics for the age of the oldest pending message and mail up to date.
async fn measure(context: &Context) {
    loop {
        // While the database is unavailable, the metric keeps its last value.
        if let Ok(since) = webhooks::oldest_waiting(context).await {
            let age = since.map_or(0.0, |since| (context.clock.now() - since).as_seconds_f64());
            metrics::gauge!(metric::WEBHOOK_OLDEST.name).set(age.max(0.0));
        }
        if let Ok(since) = mail::oldest_waiting(context).await {
            let age = since.map_or(0.0, |since| (context.clock.now() - since).as_seconds_f64());
            metrics::gauge!(metric::MAIL_OLDEST.name).set(age.max(0.0));
        }
        context.clock.sleep(LOOK).await;
    }
}

/// The context of a worker's tasks, which is stored in an extension of the queue's context.
fn of<T: Clone + Debug + Send + Sync + 'static>(worker: &WorkerContext) -> T {
    worker.get_ext::<T>().cloned().expect("the worker is built with its context")
}
