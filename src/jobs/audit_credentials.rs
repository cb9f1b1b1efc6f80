//! Writes what was counted in past hours to the audit log: issuances of credentials, and refused requests.

use graphile_worker::{IntoTaskHandlerResult, TaskHandler, WorkerContext};
use serde::{Deserialize, Serialize};

use super::JobContext;
use crate::service::{issuances, refusals};

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AuditCredentials {}

impl TaskHandler for AuditCredentials {
    const IDENTIFIER: &'static str = "audit_credentials";

    async fn run(self, worker: WorkerContext) -> impl IntoTaskHandlerResult {
        let context = super::of::<JobContext>(&worker).context;
        refusals::audit_past_hours(&context).await?;
        issuances::audit_past_hours(&context).await
    }
}
