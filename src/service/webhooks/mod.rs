//! Webhooks: creating, enabling and deleting them, and their signing secrets.

pub(crate) mod announce;
pub mod deliver;
pub(crate) mod resend;
pub mod rotate_secret;

use secrecy::SecretString;
use serde_json::json;

use super::read::PageStart;
use super::{Caller, Context};
use crate::domain::audit::{AuditAction, AuditChange};
use crate::domain::ids::{DeliveryId, WebhookId};
use crate::domain::webhook::new::NewWebhook;
use crate::domain::webhook::secret::Signing;
use crate::domain::webhook::{Delivery, MOST, Webhook};
use crate::store::{self, webhook_deliveries, webhook_queues, webhooks};

#[derive(Debug, thiserror::Error)]
pub enum CreateWebhookError {
    #[error("the key for deriving secrets is not set")]
    NoKey,
    #[error("the maximum number of webhooks is reached")]
    TooMany,
    #[error(transparent)]
    Store(#[from] store::StoreError),
}

/// Creates a webhook. Only the result contains its secret.
pub async fn create(context: &Context, caller: &Caller, new: NewWebhook) -> Result<(Webhook, SecretString), CreateWebhookError> {
    let keys = &context.webhooks.keys;
    let signing = Signing {
        generation: 1,
        key: keys.first().ok_or(CreateWebhookError::NoKey)?,
        previous: None,
    };
    let webhook = Webhook {
        id: context.clock.uuid().into(),
        url: new.url,
        topics: new.topics,
        description: new.description,
        created_at: context.clock.now(),
        signing,
        disabled_at: None,
        waiting_since: None,
    };
    let secret = keys.secret(webhook.id, &webhook.signing).map_err(|_| CreateWebhookError::NoKey)?;
    let mut db = store::begin(&context.pool).await?;
    if webhooks::count_locked(&mut db).await? >= MOST {
        return Err(CreateWebhookError::TooMany);
    }
    webhooks::insert(&mut db, &webhook).await?;
    let made = AuditChange::made(&webhook).with(json!({"webhook_id": webhook.id}));
    context.audit(&mut db, caller, AuditAction::WebhookCreated, None, made).await?;
    store::commit(db).await?;
    Ok((webhook, secret))
}

pub async fn find(context: &Context, id: WebhookId) -> store::Result<Option<Webhook>> {
    let mut db = context.pool.acquire().await?;
    webhooks::find(&mut db, id).await
}

/// A page of webhooks, newest first.
pub async fn list(context: &Context, after: Option<PageStart<WebhookId>>, limit: i64) -> store::Result<Vec<Webhook>> {
    let mut db = context.pool.acquire().await?;
    webhooks::list(&mut db, after, limit).await
}

/// Deletes a webhook and its pending messages. False if there is no webhook with this ID.
pub async fn delete(context: &Context, caller: &Caller, id: WebhookId) -> store::Result<bool> {
    let now = context.clock.now();
    let mut db = store::begin(&context.pool).await?;
    let Some(webhook) = webhooks::find_locked(&mut db, id).await? else {
        return Ok(false);
    };
    webhooks::delete(&mut db, id, now).await?;
    webhook_queues::clear(&mut db, id).await?;
    let given_up = webhook_deliveries::give_up_all(&mut db, id, now).await?;
    let gone = AuditChange::gone(&webhook).with(json!({"webhook_id": id, "given_up": given_up}));
    context.audit(&mut db, caller, AuditAction::WebhookDeleted, None, gone).await?;
    store::commit(db).await?;
    Ok(true)
}

/// Enables a disabled webhook. Idempotent. Events that occurred while it was disabled are not sent.
pub async fn enable(context: &Context, caller: &Caller, id: WebhookId) -> store::Result<Option<Webhook>> {
    let mut db = store::begin(&context.pool).await?;
    let Some(before) = webhooks::find_locked(&mut db, id).await? else {
        return Ok(None);
    };
    if before.disabled_at.is_none() {
        return Ok(Some(before));
    }
    webhooks::set_disabled(&mut db, id, None).await?;
    let after = Webhook {
        disabled_at: None,
        ..before.clone()
    };
    let difference = AuditChange::between(&before, &after).with(json!({"webhook_id": id}));
    context
        .audit(&mut db, caller, AuditAction::WebhookEnabled, None, difference)
        .await?;
    store::commit(db).await?;
    Ok(Some(after))
}

/// A page of a webhook's deliveries, newest first.
pub async fn delivery_list(
    context: &Context,
    webhook: WebhookId,
    after: Option<PageStart<DeliveryId>>,
    limit: i64,
) -> store::Result<Vec<Delivery>> {
    let mut db = context.pool.acquire().await?;
    webhook_deliveries::list(&mut db, webhook, after, limit).await
}

pub async fn delivery(context: &Context, webhook: WebhookId, id: DeliveryId) -> store::Result<Option<Delivery>> {
    let mut db = context.pool.acquire().await?;
    webhook_deliveries::find(&mut db, webhook, id).await
}

/// A queue that is overdue by this much has no job, for example because its job failed too often.
const STALLED_AFTER: chrono::TimeDelta = chrono::TimeDelta::minutes(5);

/// Deletes deliveries of deleted webhooks in batches, and queues jobs for stalled queues. Old deliveries are dropped with their partition.
pub async fn sweep(context: &Context) -> store::Result<u64> {
    const BATCH: i64 = 1000;
    let now = context.clock.now();
    let mut swept = 0;
    loop {
        let mut db = context.pool.acquire().await?;
        let batch = webhook_deliveries::sweep(&mut db, BATCH).await?;
        swept += batch;
        if batch == 0 {
            break;
        }
    }
    let mut db = store::begin(&context.pool).await?;
    // Webhooks are deleted with a delay, because a transaction that began before the deletion may still refer to them.
    webhooks::sweep(&mut db, now - chrono::TimeDelta::days(1)).await?;
    for webhook in webhook_queues::overdue(&mut db, now - STALLED_AFTER).await? {
        store::jobs::enqueue_deliver(&mut db, webhook).await?;
    }
    store::commit(db).await?;
    Ok(swept)
}

/// When the oldest pending message was created.
pub async fn oldest_waiting(context: &Context) -> store::Result<Option<chrono::DateTime<chrono::Utc>>> {
    let mut db = context.pool.acquire().await?;
    webhook_deliveries::oldest_waiting(&mut db).await
}
