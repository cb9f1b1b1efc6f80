//! Runs a queued verification.

use std::collections::HashMap;

use graphile_worker::{IntoTaskHandlerResult, TaskHandler, WorkerContext};
use serde::{Deserialize, Serialize};
use tracing::field::Empty;
use tracing::{Instrument, info};

use super::JobContext;
use crate::domain::ids::VerificationId;
use crate::service::reverify::pacing;
use crate::service::run_verification::run_verification;
use crate::store::jobs::{JobOrigin, VERIFY};
use crate::telemetry::traces;

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Verify {
    verification_id: VerificationId,
    #[serde(default)]
    cause: JobOrigin,
}

impl TaskHandler for Verify {
    const IDENTIFIER: &'static str = VERIFY;

    async fn run(self, worker: WorkerContext) -> impl IntoTaskHandlerResult {
        let jobs: JobContext = super::of(&worker);
        let span = tracing::info_span!(
            "verification", verification = %self.verification_id, request_id = self.cause.request_id, tenant = Empty, verdict = Empty
        );
        if let Some(parent) = &self.cause.traceparent {
            traces::adopt(&span, &HashMap::from([("traceparent".to_owned(), parent.clone())]));
        }
        let waited = pacing::wait_for_one(&jobs.context, self.verification_id).await;
        waited.map_err(|error| error.to_string())?;
        let verify = || {
            let verifying = run_verification(&jobs.context, jobs.cloud.as_ref(), self.verification_id, &self.cause);
            Box::pin(verifying.instrument(span.clone()))
        };
        let clock = &jobs.context.clock;
        if let Some(done) = jobs.permits.run(clock, verify()).await {
            return done.map_err(|error| error.to_string());
        }
        // Its lease is still held, as if this process had crashed, so this only queues it for the time when the lease has ended.
        info!(parent: &span, "too many verifications wait for AWS; will try again");
        match jobs.permits.run(clock, verify()).await {
            Some(done) => done.map_err(|error| error.to_string()),
            None => Err("too many verifications wait for AWS".to_owned()),
        }
    }
}
