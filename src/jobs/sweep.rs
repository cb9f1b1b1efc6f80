//! Forgets what was kept for a while.

use graphile_worker::{IntoTaskHandlerResult, TaskHandler, WorkerContext};
use serde::{Deserialize, Serialize};

use crate::service::idempotency;

#[derive(Debug, Serialize, Deserialize)]
pub struct Sweep {}

impl TaskHandler for Sweep {
    const IDENTIFIER: &'static str = "sweep";

    async fn run(self, worker: WorkerContext) -> impl IntoTaskHandlerResult {
        idempotency::sweep(&super::of(&worker).context).await.map(drop)
    }
}
