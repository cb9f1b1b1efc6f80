//! Sends the due messages of a webhook.

use graphile_worker::{IntoTaskHandlerResult, TaskHandler, WorkerContext};
use serde::{Deserialize, Serialize};

use super::DeliveryContext;
use crate::domain::ids::{DeliveryId, WebhookId};
use crate::service::webhooks::deliver::{deliver, deliver_once};
use crate::store::jobs::{DELIVER, DELIVER_ONCE};

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Deliver {
    webhook_id: WebhookId,
}

impl TaskHandler for Deliver {
    const IDENTIFIER: &'static str = DELIVER;

    async fn run(self, worker: WorkerContext) -> impl IntoTaskHandlerResult {
        let DeliveryContext { context, client, .. } = super::of(&worker);
        deliver(&context, &client, self.webhook_id).await
    }
}

/// Sends one message once.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct DeliverOnce {
    delivery_id: DeliveryId,
}

impl TaskHandler for DeliverOnce {
    const IDENTIFIER: &'static str = DELIVER_ONCE;

    async fn run(self, worker: WorkerContext) -> impl IntoTaskHandlerResult {
        let DeliveryContext { context, client, .. } = super::of(&worker);
        deliver_once(&context, &client, self.delivery_id).await
    }
}
