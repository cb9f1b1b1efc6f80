//! Forgets what was kept for a while.

use graphile_worker::{IntoTaskHandlerResult, TaskHandler, WorkerContext};
use serde::{Deserialize, Serialize};

use super::JobContext;
use crate::service::{idempotency, sign_in, webhooks};

#[derive(Debug, Serialize, Deserialize)]
pub struct Sweep {}

impl TaskHandler for Sweep {
    const IDENTIFIER: &'static str = "sweep";

    async fn run(self, worker: WorkerContext) -> impl IntoTaskHandlerResult {
        let context = super::of::<JobContext>(&worker).context;
        sign_in::sweep(&context).await?;
        idempotency::sweep(&context).await?;
        webhooks::sweep(&context).await.map(drop)
    }
}
