//! Writes the past hour's issuances of credentials to the audit log.

use graphile_worker::{IntoTaskHandlerResult, TaskHandler, WorkerContext};
use serde::{Deserialize, Serialize};

use super::JobContext;
use crate::service::issuances;

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AuditCredentials {}

impl TaskHandler for AuditCredentials {
    const IDENTIFIER: &'static str = "audit_credentials";

    async fn run(self, worker: WorkerContext) -> impl IntoTaskHandlerResult {
        let context = super::of::<JobContext>(&worker).context;
        issuances::audit_past_hours(&context).await
    }
}
