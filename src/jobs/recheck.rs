//! Verifies an active version again after it was rejected.

use graphile_worker::{IntoTaskHandlerResult, TaskHandler, WorkerContext};
use serde::{Deserialize, Serialize};

use super::JobContext;
use crate::domain::ids::TenantId;
use crate::service::request_verification::recheck;
use crate::store::jobs::RECHECK;

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Recheck {
    tenant_id: TenantId,
}

impl TaskHandler for Recheck {
    const IDENTIFIER: &'static str = RECHECK;

    async fn run(self, worker: WorkerContext) -> impl IntoTaskHandlerResult {
        recheck(&super::of::<JobContext>(&worker).context, self.tenant_id).await
    }
}
