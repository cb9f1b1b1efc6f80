//! Delivering messages. There is one queue per webhook and tenant: its oldest message is sent until it is delivered or given
//! up, and then the next. Queues do not wait for each other. If the process crashes before it records a result, the message
//! is sent again with the same ID.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::join_all;
use tracing::{info, warn};

use crate::domain::audit::{AuditAction, AuditChange};
use crate::domain::ids::{DeliveryId, WebhookId};
use crate::domain::webhook::schedule::next_attempt;
use crate::domain::webhook::{DeliveryFailure, DeliveryFailureKind, Webhook};
use crate::outbound_http::{OutboundClient, OutboundRequest, TIMEOUT};
use crate::service::{Caller, Context};
use crate::store::webhook_deliveries::ClaimedDelivery;
use crate::store::{self, jobs, webhook_deliveries, webhook_queues, webhooks};
use crate::telemetry::metric;

/// How many messages are sent to one webhook concurrently.
const CONCURRENCY: usize = 4;

/// A run claims no more messages after this time and is queued again, so that processes can stop quickly and every webhook
/// gets its turn.
const BUDGET: Duration = Duration::from_secs(10);

/// How long to wait before sending to a receiver again that is down or asked to retry later.
const UNREACHABLE_BACKOFF: TimeDelta = TimeDelta::seconds(30);

/// The minimum delay before the next run, so that other webhooks get their turn.
const MIN_RESCHEDULE_DELAY: TimeDelta = TimeDelta::milliseconds(250);

/// The lease of a queue while its message is sent. Must be longer than a request can take.
fn lease() -> TimeDelta {
    TimeDelta::from_std(TIMEOUT * 2).unwrap_or(UNREACHABLE_BACKOFF)
}

/// Sends the messages of a webhook that are due, and queues the next run.
pub async fn deliver(context: &Context, client: &OutboundClient, id: WebhookId) -> store::Result<()> {
    let run = DeliveryRun {
        context,
        client,
        id,
        began: context.clock.instant(),
        is_over: AtomicBool::new(false),
    };
    let senders = join_all((0..CONCURRENCY).map(|_| run.send_due())).await;
    senders.into_iter().collect::<store::Result<Vec<()>>>()?;
    run.queue_next().await
}

struct DeliveryRun<'a> {
    context: &'a Context,
    client: &'a OutboundClient,
    id: WebhookId,
    began: Instant,
    /// The receiver is down or asked to retry later, so this run ends.
    is_over: AtomicBool,
}

impl DeliveryRun<'_> {
    async fn send_due(&self) -> store::Result<()> {
        while !self.is_over.load(Ordering::Relaxed) && self.context.clock.instant() - self.began < BUDGET {
            let Some((webhook, claimed)) = self.claim_next().await? else {
                return Ok(());
            };
            let outcome = attempt(self.context, self.client, &webhook, &claimed).await?;
            if outcome.is_err_and(|failure| failure.kind.concerns_all() || failure.retry_after.is_some()) {
                self.is_over.store(true, Ordering::Relaxed);
            }
        }
        Ok(())
    }

    /// Claims the next message that is due.
    async fn claim_next(&self) -> store::Result<Option<(Webhook, ClaimedDelivery)>> {
        let now = self.context.clock.now();
        let mut db = store::begin(&self.context.pool).await?;
        let Some(webhook) = webhooks::find(&mut db, self.id).await? else {
            return Ok(None);
        };
        if webhook.disabled_at.is_some() {
            // A message was queued while the webhook was being disabled.
            webhook_queues::clear(&mut db, self.id).await?;
            webhook_deliveries::give_up_all(&mut db, self.id, now).await?;
            store::commit(db).await?;
            return Ok(None);
        }
        while let Some(tenant) = webhook_queues::claim(&mut db, self.id, now, now + lease()).await? {
            if let Some(claimed) = webhook_deliveries::claim_oldest(&mut db, self.id, tenant, now).await? {
                store::commit(db).await?;
                return Ok(Some((webhook, claimed)));
            }
            webhook_queues::set_due(&mut db, self.id, tenant, now).await?;
        }
        store::commit(db).await?;
        Ok(None)
    }

    async fn queue_next(&self) -> store::Result<()> {
        let now = self.context.clock.now();
        let mut db = store::begin(&self.context.pool).await?;
        if let Some(due) = webhook_queues::next_due(&mut db, self.id).await? {
            let delay = if self.is_over.load(Ordering::Relaxed) {
                UNREACHABLE_BACKOFF
            } else {
                MIN_RESCHEDULE_DELAY
            };
            jobs::enqueue_deliver_at(&mut db, self.id, due.max(now + delay)).await?;
        }
        store::commit(db).await?;
        Ok(())
    }
}

/// Sends one message once, independently of its queue: a test, or a message that operators resend.
pub async fn deliver_once(context: &Context, client: &OutboundClient, id: DeliveryId) -> store::Result<()> {
    let now = context.clock.now();
    let mut db = store::begin(&context.pool).await?;
    let Some(claimed) = webhook_deliveries::claim(&mut db, id, now).await? else {
        return Ok(());
    };
    let webhook = webhooks::find(&mut db, claimed.webhook_id).await?;
    let Some(webhook) = webhook.filter(|webhook| webhook.disabled_at.is_none()) else {
        return Ok(());
    };
    store::commit(db).await?;
    attempt(context, client, &webhook, &claimed).await.map(drop)
}

/// Sends a claimed message, and records the result.
async fn attempt(
    context: &Context,
    client: &OutboundClient,
    webhook: &Webhook,
    claimed: &ClaimedDelivery,
) -> store::Result<Result<u16, DeliveryFailure>> {
    let began = context.clock.instant();
    let outcome = send(context, client, webhook, claimed).await;
    let took = context.clock.instant() - began;
    let end = record(context, claimed, took, &outcome).await?;
    log_result(webhook, claimed, took, &outcome, end);
    if outcome.is_err_and(|failure| failure.kind == DeliveryFailureKind::Gone) {
        disable(context, webhook.id).await?;
    }
    Ok(outcome)
}

async fn send(context: &Context, client: &OutboundClient, webhook: &Webhook, claimed: &ClaimedDelivery) -> Result<u16, DeliveryFailure> {
    let at = context.clock.now();
    let signature = context
        .webhooks
        .keys
        .sign(webhook, claimed.message_id, at, &claimed.payload)
        .map_err(|_| DeliveryFailureKind::Unsigned)?;
    let request = OutboundRequest {
        url: &webhook.url,
        id: claimed.message_id,
        at,
        signature,
        payload: &claimed.payload,
    };
    client.send(request).await
}

/// The state of a message after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DeliveryEnd {
    Delivered,
    Retry(DateTime<Utc>),
    GivenUp,
    /// Unchanged: another process claimed the message in the meantime, or it was already delivered or given up.
    Unchanged,
}

async fn record(
    context: &Context,
    claimed: &ClaimedDelivery,
    took: Duration,
    outcome: &Result<u16, DeliveryFailure>,
) -> store::Result<DeliveryEnd> {
    let mut db = store::begin(&context.pool).await?;
    if let Some(tenant) = claimed.tenant_id {
        webhook_queues::lock(&mut db, claimed.webhook_id, tenant).await?;
    }
    let duration_ms = i32::try_from(took.as_millis()).unwrap_or(i32::MAX);
    webhook_deliveries::complete_attempt(&mut db, claimed, duration_ms, outcome).await?;
    let now = context.clock.now();
    let (end, due) = match outcome {
        Ok(_) => {
            let changed = webhook_deliveries::mark_delivered(&mut db, claimed, now).await?;
            (if changed { DeliveryEnd::Delivered } else { DeliveryEnd::Unchanged }, now)
        }
        Err(failure) => {
            let [chance] = context.clock.random();
            // A test is sent once: the operator who requested it sees the result.
            let next = claimed
                .tenant_id
                .and_then(|_| next_attempt(claimed.created_at, claimed.attempt, failure, now, chance));
            let changed = webhook_deliveries::mark_failed(&mut db, claimed, next, now).await?;
            let end = next.map_or(DeliveryEnd::GivenUp, DeliveryEnd::Retry);
            (if changed { end } else { DeliveryEnd::Unchanged }, next.unwrap_or(now))
        }
    };
    if let (Some(tenant), true) = (claimed.tenant_id, end != DeliveryEnd::Unchanged) {
        webhook_queues::set_due(&mut db, claimed.webhook_id, tenant, due).await?;
    }
    store::commit(db).await?;
    Ok(end)
}

/// Logs and counts the result.
fn log_result(webhook: &Webhook, claimed: &ClaimedDelivery, took: Duration, outcome: &Result<u16, DeliveryFailure>, end: DeliveryEnd) {
    let result: &str = match outcome {
        Ok(_) => "delivered",
        Err(failure) => failure.kind.into(),
    };
    metrics::counter!(metric::WEBHOOK_ATTEMPTS.name, "outcome" => result).increment(1);
    metrics::histogram!(metric::WEBHOOK_DURATION.name).record(took);
    let (origin, attempt, took_ms) = (webhook.url.origin(), claimed.attempt, took.as_millis());
    let status = match outcome {
        Ok(status) => Some(*status),
        Err(failure) => failure.status,
    };
    match end {
        DeliveryEnd::Delivered => {
            metrics::counter!(metric::WEBHOOK_DELIVERIES.name, "outcome" => "delivered").increment(1);
            info!(webhook = %webhook.id, delivery = %claimed.id, origin, status, attempt, took_ms, "webhook message delivered");
        }
        DeliveryEnd::GivenUp => {
            metrics::counter!(metric::WEBHOOK_DELIVERIES.name, "outcome" => "given_up").increment(1);
            warn!(webhook = %webhook.id, delivery = %claimed.id, origin, status, attempt, took_ms, result, "webhook message failed permanently");
        }
        DeliveryEnd::Retry(at) => {
            warn!(webhook = %webhook.id, delivery = %claimed.id, origin, status, attempt, took_ms, result, %at, "webhook message will be retried");
        }
        DeliveryEnd::Unchanged => {
            info!(webhook = %webhook.id, delivery = %claimed.id, origin, status, attempt, took_ms, result, "webhook message sent");
        }
    }
}

/// Disables a webhook whose receiver is gone for good, and gives up its pending messages, until operators enable it again.
async fn disable(context: &Context, id: WebhookId) -> store::Result<()> {
    let now = context.clock.now();
    let mut db = store::begin(&context.pool).await?;
    let Some(before) = webhooks::find_locked(&mut db, id)
        .await?
        .filter(|webhook| webhook.disabled_at.is_none())
    else {
        return Ok(());
    };
    webhooks::set_disabled(&mut db, id, Some(now)).await?;
    let after = Webhook {
        disabled_at: Some(now),
        ..before.clone()
    };
    webhook_queues::clear(&mut db, id).await?;
    let given_up = webhook_deliveries::give_up_all(&mut db, id, now).await?;
    let detail = serde_json::json!({"webhook_id": id, "reason": "the receiver responded with 410 Gone", "given_up": given_up});
    context
        .audit(
            &mut db,
            &Caller::system(),
            AuditAction::WebhookDisabled,
            None,
            AuditChange::between(&before, &after).with(detail),
        )
        .await?;
    store::commit(db).await?;
    metrics::counter!(metric::WEBHOOK_DELIVERIES.name, "outcome" => "given_up").increment(given_up);
    warn!(webhook = %id, given_up, "webhook disabled: the receiver responded with 410 Gone");
    Ok(())
}
