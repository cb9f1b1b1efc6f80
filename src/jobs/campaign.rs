//! Does the next step of a campaign.

use graphile_worker::{IntoTaskHandlerResult, TaskHandler, WorkerContext};
use serde::{Deserialize, Serialize};

use super::DeliveryContext;
use crate::domain::ids::CampaignId;
use crate::service::campaigns::advance;
use crate::store::jobs::CAMPAIGN;

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AdvanceCampaign {
    campaign_id: CampaignId,
}

impl TaskHandler for AdvanceCampaign {
    const IDENTIFIER: &'static str = CAMPAIGN;

    async fn run(self, worker: WorkerContext) -> impl IntoTaskHandlerResult {
        let DeliveryContext { context, .. } = super::of(&worker);
        advance(&context, self.campaign_id).await
    }
}
