//! Writes the past hour's hand-outs of credentials to the audit log.

use graphile_worker::{IntoTaskHandlerResult, TaskHandler, WorkerContext};
use serde::{Deserialize, Serialize};

use super::JobContext;
use crate::service::hand_outs;

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AuditCredentials {}

impl TaskHandler for AuditCredentials {
    const IDENTIFIER: &'static str = "audit_credentials";

    async fn run(self, worker: WorkerContext) -> impl IntoTaskHandlerResult {
        let context = super::of::<JobContext>(&worker).context;
        hand_outs::audit_past_hours(&context).await
    }
}
