//! Deletes expired data, and logs the head of the audit log.

use graphile_worker::worker_utils::types::CleanupTask;
use graphile_worker::{IntoTaskHandlerResult, TaskHandler, WorkerContext, WorkerContextExt};
use serde::{Deserialize, Serialize};

use super::JobContext;
use crate::service::{audit_head, campaigns, create_tenant, history, idempotency, mail, sign_in, webhooks};
use crate::store;

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Sweep {}

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Store(#[from] store::StoreError),
    #[error("job queue: {0}")]
    Queue(#[from] graphile_worker::errors::GraphileWorkerError),
}

impl TaskHandler for Sweep {
    const IDENTIFIER: &'static str = "sweep";

    async fn run(self, worker: WorkerContext) -> impl IntoTaskHandlerResult {
        let context = super::of::<JobContext>(&worker).context;
        audit_head::log(&context).await?;
        sign_in::sweep(&context).await?;
        idempotency::sweep(&context).await?;
        webhooks::sweep(&context).await?;
        mail::sweep(&context).await?;
        campaigns::sweep(&context).await?;
        create_tenant::sweep(&context).await?;
        history::sweep(&context).await?;
        // Named queues outlive their jobs, and every queue slows down fetching a job.
        worker.utils().cleanup(&[CleanupTask::GcJobQueues]).await?;
        Ok::<(), Error>(())
    }
}
