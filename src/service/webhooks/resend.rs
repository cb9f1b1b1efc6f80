//! Messages that operations send: a logged message again, or a test.

use crate::domain::audit::{AuditAction, AuditChange};
use crate::domain::ids::{DeliveryId, WebhookId};
use crate::domain::webhook::{Delivery, DeliveryState, MessageType, message};
use crate::service::{Caller, Context};
use crate::store::webhook_deliveries::NewDelivery;
use crate::store::{self, Transaction, jobs, webhook_deliveries, webhook_queues, webhooks};

#[derive(Debug, thiserror::Error)]
pub(crate) enum ResendError {
    #[error("there is no such webhook")]
    UnknownWebhook,
    #[error("there is no such delivery")]
    UnknownDelivery,
    #[error("the webhook is disabled")]
    Disabled,
    #[error(transparent)]
    Store(#[from] store::StoreError),
}

/// Sends a message again, now, with the same ID. A message that is still waiting is not sent out of order: its queue is
/// retried now.
pub(crate) async fn resend(context: &Context, caller: &Caller, webhook: WebhookId, id: DeliveryId) -> Result<Delivery, ResendError> {
    let mut db = enabled(context, webhook).await?;
    let delivery = webhook_deliveries::find(&mut db, webhook, id)
        .await?
        .ok_or(ResendError::UnknownDelivery)?;
    match (delivery.state, delivery.tenant_id) {
        (DeliveryState::Waiting, Some(tenant)) => {
            webhook_queues::retry_now(&mut db, webhook, tenant, context.clock.now()).await?;
            jobs::enqueue_deliver(&mut db, webhook).await?;
        }
        _ => jobs::enqueue_deliver_once(&mut db, webhook, id).await?,
    }
    let detail = serde_json::json!({"webhook_id": webhook, "delivery_id": id, "message_id": delivery.message_id, "state": delivery.state});
    context
        .audit(
            &mut db,
            caller,
            AuditAction::WebhookResent,
            delivery.tenant_id,
            AuditChange::none().with(detail),
        )
        .await?;
    store::commit(db).await?;
    Ok(delivery)
}

/// Queues a test message, which is sent immediately and once.
pub(crate) async fn test(context: &Context, caller: &Caller, webhook: WebhookId) -> Result<Delivery, ResendError> {
    let mut db = enabled(context, webhook).await?;
    let (kind, at) = (MessageType::WebhookTest, context.clock.now());
    let id: DeliveryId = context.clock.uuid().into();
    let message = NewDelivery {
        id: context.clock.uuid().into(),
        kind,
        tenant: None,
        payload: message::payload(kind, at, &message::test(webhook)),
        at,
    };
    webhook_deliveries::insert(&mut db, id, webhook, &message).await?;
    jobs::enqueue_deliver_once(&mut db, webhook, id).await?;
    let detail = serde_json::json!({"webhook_id": webhook, "delivery_id": id, "message_id": message.id});
    context
        .audit(&mut db, caller, AuditAction::WebhookTested, None, AuditChange::none().with(detail))
        .await?;
    let delivery = webhook_deliveries::find(&mut db, webhook, id)
        .await?
        .ok_or(ResendError::UnknownDelivery)?;
    store::commit(db).await?;
    Ok(delivery)
}

async fn enabled(context: &Context, id: WebhookId) -> Result<Transaction, ResendError> {
    let mut db = store::begin(&context.pool).await?;
    let webhook = webhooks::find_locked(&mut db, id).await?.ok_or(ResendError::UnknownWebhook)?;
    if webhook.disabled_at.is_some() {
        return Err(ResendError::Disabled);
    }
    Ok(db)
}
