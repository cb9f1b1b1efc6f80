//! Webhooks and their deliveries as they are answered: never a secret but once.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::domain::ids::{DeliveryId, MessageId, TenantId, WebhookId};
use crate::domain::webhook::{
    Delivery, DeliveryAttempt, DeliveryFailureKind, DeliveryState, MessageType, Topic, Webhook, WebhookDescription,
};

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Webhook)]
pub struct WebhookView {
    pub id: WebhookId,
    #[schema(example = "https://hooks.vendor.example/latchkey")]
    pub url: String,
    pub events: Vec<Topic>,
    pub description: Option<WebhookDescription>,
    pub created_at: DateTime<Utc>,
    /// Since its receiver answered 410 Gone: nothing is sent until it is enabled again.
    pub disabled_at: Option<DateTime<Utc>>,
    /// Of the oldest message that waits to be delivered.
    pub waiting_since: Option<DateTime<Utc>>,
    /// Counts its secrets from 1.
    pub secret_generation: i32,
    /// Until then messages are signed by the secret before that one too; null, or past, when by the present one alone.
    pub previous_secret_until: Option<DateTime<Utc>>,
}

impl From<Webhook> for WebhookView {
    fn from(webhook: Webhook) -> Self {
        Self {
            id: webhook.id,
            url: webhook.url.as_str().to_owned(),
            events: webhook.topics,
            description: webhook.description,
            created_at: webhook.created_at,
            disabled_at: webhook.disabled_at,
            waiting_since: webhook.waiting_since,
            secret_generation: webhook.signing.generation,
            previous_secret_until: webhook.signing.previous.map(|(_, until)| until),
        }
    }
}

/// A webhook with its present secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookWithSecret {
    /// By which its receiver verifies signatures. Shown this once.
    #[schema(example = "whsec_…")]
    pub secret: String,
    #[serde(flatten)]
    pub about: WebhookView,
}

/// One message for one webhook, and how it was delivered.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Delivery)]
pub struct DeliveryView {
    pub id: DeliveryId,
    pub webhook_id: WebhookId,
    /// What the receiver gets as `webhook-id`: the same at every attempt.
    pub message_id: MessageId,
    #[serde(rename = "type")]
    pub kind: MessageType,
    /// Whom it is about; null for a test.
    pub tenant_id: Option<TenantId>,
    pub state: DeliveryState,
    pub created_at: DateTime<Utc>,
    /// When it was delivered or given up.
    pub ended_at: Option<DateTime<Utc>>,
    /// Null before the first attempt, during one, and at the end.
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// In order.
    pub attempts: Vec<DeliveryAttemptView>,
}

/// One time that a message was sent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeliveryAttempt)]
pub struct DeliveryAttemptView {
    /// Counts from 1.
    pub attempt: i32,
    pub started_at: DateTime<Utc>,
    /// Null while the attempt is running, and if it was interrupted.
    pub duration_ms: Option<i32>,
    /// Of the answer, if there was one.
    pub status: Option<i32>,
    /// Null where it was delivered.
    pub failure: Option<DeliveryFailureKind>,
}

impl From<Delivery> for DeliveryView {
    fn from(delivery: Delivery) -> Self {
        Self {
            id: delivery.id,
            webhook_id: delivery.webhook_id,
            message_id: delivery.message_id,
            kind: delivery.kind,
            tenant_id: delivery.tenant_id,
            state: delivery.state,
            created_at: delivery.created_at,
            ended_at: delivery.ended_at,
            next_attempt_at: delivery.next_attempt_at,
            attempts: delivery.attempts.into_iter().map(DeliveryAttemptView::from).collect(),
        }
    }
}

impl From<DeliveryAttempt> for DeliveryAttemptView {
    fn from(attempt: DeliveryAttempt) -> Self {
        Self {
            attempt: attempt.number,
            started_at: attempt.started_at,
            duration_ms: attempt.duration_ms,
            status: attempt.status,
            failure: attempt.failure,
        }
    }
}

/// A delivery with what was sent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeliveryDetail)]
pub struct DeliveryDetailView {
    #[serde(flatten)]
    pub delivery: DeliveryView,
    /// The body of the message.
    #[schema(value_type = serde_json::Map<String, serde_json::Value>)]
    pub payload: Option<Box<RawValue>>,
}

impl From<Delivery> for DeliveryDetailView {
    fn from(mut delivery: Delivery) -> Self {
        let payload = std::mem::take(&mut delivery.payload);
        Self {
            payload: RawValue::from_string(payload).ok(),
            delivery: delivery.into(),
        }
    }
}
