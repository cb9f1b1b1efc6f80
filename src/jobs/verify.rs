//! Runs a queued verification.

use graphile_worker::{IntoTaskHandlerResult, TaskHandler, WorkerContext};
use serde::{Deserialize, Serialize};
use tracing::Instrument;

use super::JobContext;
use crate::domain::ids::VerificationId;
use crate::service::run_verification::run_verification;
use crate::store::jobs::VERIFY;

#[derive(Debug, Serialize, Deserialize)]
pub struct Verify {
    verification_id: VerificationId,
}

impl TaskHandler for Verify {
    const IDENTIFIER: &'static str = VERIFY;

    async fn run(self, worker: WorkerContext) -> impl IntoTaskHandlerResult {
        let jobs: JobContext = super::of(&worker);
        let span = tracing::info_span!("verify", verification = %self.verification_id);
        run_verification(&jobs.context, jobs.cloud.as_ref(), self.verification_id)
            .instrument(span)
            .await
    }
}
