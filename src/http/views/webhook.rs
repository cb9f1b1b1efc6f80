//! API representation of webhooks and deliveries. Secrets are only included on creation and rotation.

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
pub(crate) struct WebhookView {
    pub id: WebhookId,
    #[schema(example = "https://hooks.vendor.example/latchkey")]
    pub url: String,
    pub events: Vec<Topic>,
    pub description: Option<WebhookDescription>,
    pub created_at: DateTime<Utc>,
    /// When the receiver answered 410 Gone. Nothing is sent until the webhook is enabled again.
    pub disabled_at: Option<DateTime<Utc>>,
    /// When the oldest pending message was created.
    pub waiting_since: Option<DateTime<Utc>>,
    /// The number of the current secret, starting at 1.
    pub secret_generation: i32,
    /// Until then, messages are also signed with the previous secret. Null or in the past if they are not.
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

/// A webhook with its current secret.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WebhookWithSecret {
    /// The secret for verifying signatures. It is only shown once.
    #[schema(example = "whsec_…")]
    pub secret: String,
    #[serde(flatten)]
    pub about: WebhookView,
}

/// A message to a webhook, and its delivery.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Delivery)]
pub(crate) struct DeliveryView {
    pub id: DeliveryId,
    pub webhook_id: WebhookId,
    /// The `webhook-id` header, which is the same for every attempt.
    pub message_id: MessageId,
    #[serde(rename = "type")]
    pub kind: MessageType,
    /// The tenant that the message is about. Null for a test.
    pub tenant_id: Option<TenantId>,
    pub state: DeliveryState,
    pub created_at: DateTime<Utc>,
    /// When it was delivered or given up.
    pub ended_at: Option<DateTime<Utc>>,
    /// Null before the first attempt, during an attempt, and after the last.
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// In order.
    pub attempts: Vec<DeliveryAttemptView>,
}

/// One attempt to deliver a message.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeliveryAttempt)]
pub(crate) struct DeliveryAttemptView {
    /// Starts at 1.
    pub attempt: i32,
    pub started_at: DateTime<Utc>,
    /// Null while the attempt is running, and if it was interrupted.
    pub duration_ms: Option<i32>,
    /// The status of the response, if there was one.
    pub status: Option<i32>,
    /// Null if the attempt succeeded.
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

/// A delivery with its message.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeliveryDetail)]
pub(crate) struct DeliveryDetailView {
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
