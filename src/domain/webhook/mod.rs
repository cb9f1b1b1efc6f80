//! Webhooks, following the Standard Webhooks specification: events for the vendor's own services.
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>

pub mod message;
pub mod new;
pub mod schedule;
pub mod secret;
pub mod target;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoStaticStr};
use utoipa::ToSchema;

use super::ids::{DeliveryId, MessageId, TenantId, WebhookId};
use super::text::{Malformed, checked_text};
use secret::{Signing, SigningKeys};
use target::{AllowedNetworks, WebhookUrl};

/// What the settings say of webhooks.
#[derive(Debug, Default)]
pub struct WebhookPolicy {
    pub keys: SigningKeys,
    pub allowed: AllowedNetworks,
}

/// The most webhooks that there may be: each has a sender of its own, so that none waits for another.
pub const MOST: i64 = 20;

/// An event that a webhook can subscribe to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, EnumIter, IntoStaticStr, ToSchema)]
pub enum Topic {
    /// A tenant's status is another one than before.
    #[serde(rename = "tenant.status_changed")]
    #[strum(serialize = "tenant.status_changed")]
    TenantStatusChanged,
    /// A verification ended, with whatever verdict.
    #[serde(rename = "verification.finished")]
    #[strum(serialize = "verification.finished")]
    VerificationFinished,
}

/// The type of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, IntoStaticStr, ToSchema)]
pub enum MessageType {
    #[serde(rename = "tenant.status_changed")]
    #[strum(serialize = "tenant.status_changed")]
    TenantStatusChanged,
    #[serde(rename = "verification.finished")]
    #[strum(serialize = "verification.finished")]
    VerificationFinished,
    /// Sent when ops ask for it.
    #[serde(rename = "webhook.test")]
    #[strum(serialize = "webhook.test")]
    WebhookTest,
}

impl From<Topic> for MessageType {
    fn from(topic: Topic) -> Self {
        match topic {
            Topic::TenantStatusChanged => Self::TenantStatusChanged,
            Topic::VerificationFinished => Self::VerificationFinished,
        }
    }
}

/// What a webhook is for, in the vendor's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookDescription(String);

impl WebhookDescription {
    /// # Errors
    /// `malformed_description`.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let text = text.trim();
        if text.is_empty() || text.chars().count() > 200 || text.chars().any(char::is_control) {
            let detail = "a description has 1 to 200 characters on one line; omit the field for none";
            return Err(Malformed::new("malformed_description", detail));
        }
        Ok(Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

checked_text!(WebhookDescription, "The billing service");

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    pub id: WebhookId,
    pub url: WebhookUrl,
    pub topics: Vec<Topic>,
    pub description: Option<WebhookDescription>,
    pub created_at: DateTime<Utc>,
    pub signing: Signing,
    /// Since its receiver said that it is gone for good. Nothing is sent to it until ops enable it again.
    pub disabled_at: Option<DateTime<Utc>>,
    /// Of the oldest message that waits.
    pub waiting_since: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, EnumIter, IntoStaticStr, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum DeliveryState {
    /// For its turn, for an answer, or for its next attempt.
    Waiting,
    Delivered,
    /// It was tried for a day, or the webhook was disabled.
    GivenUp,
}

/// One message for one webhook.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    pub id: DeliveryId,
    pub webhook_id: WebhookId,
    /// The header `webhook-id`: the same for every attempt.
    pub message_id: MessageId,
    /// None for a test.
    pub tenant_id: Option<TenantId>,
    pub kind: MessageType,
    pub payload: String,
    pub state: DeliveryState,
    pub created_at: DateTime<Utc>,
    /// When it was delivered or given up.
    pub ended_at: Option<DateTime<Utc>>,
    /// None before the first attempt, during one, and at the end.
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// In order.
    pub attempts: Vec<DeliveryAttempt>,
}

/// One time that a message was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryAttempt {
    /// Counts from 1.
    pub number: i32,
    pub started_at: DateTime<Utc>,
    /// None while the attempt is running, and if it was interrupted.
    pub duration_ms: Option<i32>,
    /// The answer's.
    pub status: Option<i32>,
    /// None when it was delivered.
    pub failure: Option<DeliveryFailureKind>,
}

/// Why a message was not delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, IntoStaticStr, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum DeliveryFailureKind {
    /// The address is private, or otherwise none of the internet's, and no setting allows it. Nothing was sent.
    RefusedTarget,
    /// The name has no address.
    Unresolvable,
    /// Nobody takes connections there.
    Unreachable,
    /// TLS could not be agreed upon: the certificate is not trusted, for instance.
    Tls,
    /// There was no answer in time.
    TimedOut,
    /// The connection ended before there was an answer.
    BrokenOff,
    /// The answer was a redirect, which is not followed.
    Redirected,
    /// The answer was 410: the webhook is disabled.
    Gone,
    /// The answer was another one than 2xx.
    Status,
    /// The key by which it would be signed is not in the settings. Nothing was sent.
    Unsigned,
}

impl DeliveryFailureKind {
    /// Whether any other message would fare the same just now.
    pub fn concerns_all(self) -> bool {
        !matches!(self, Self::Redirected | Self::Status)
    }
}

/// An attempt that did not deliver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliveryFailure {
    pub kind: DeliveryFailureKind,
    pub status: Option<u16>,
    /// How long the receiver asks to be left alone.
    pub retry_after: Option<std::time::Duration>,
}

impl From<DeliveryFailureKind> for DeliveryFailure {
    fn from(kind: DeliveryFailureKind) -> Self {
        Self {
            kind,
            status: None,
            retry_after: None,
        }
    }
}
