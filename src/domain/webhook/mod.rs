//! Webhooks, following the Standard Webhooks specification: events for the vendor's own services.
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>

pub(crate) mod message;
pub(crate) mod new;
pub(crate) mod schedule;
pub mod secret;
pub mod target;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

use super::ids::{DeliveryId, MessageId, TenantId, WebhookId};
use super::text::{Malformed, checked_text, is_line};
use secret::{Signing, SigningKeys};
use target::{AllowedNetworks, WebhookUrl};

/// The settings for webhooks.
#[derive(Debug, Default)]
pub struct WebhookPolicy {
    pub keys: SigningKeys,
    pub allowed: AllowedNetworks,
}

/// The maximum number of webhooks. Each can be served at the same time, so that none waits for another.
pub const MOST: i64 = 20;

/// An event that a webhook can subscribe to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, EnumIter, IntoStaticStr)]
pub enum Topic {
    /// A tenant's status changed.
    #[serde(rename = "tenant.status_changed")]
    #[strum(serialize = "tenant.status_changed")]
    TenantStatusChanged,
    /// Something changed at the storage of a tenant's active version.
    #[serde(rename = "tenant.drifted")]
    #[strum(serialize = "tenant.drifted")]
    TenantDrifted,
    /// A verification finished, with any verdict.
    #[serde(rename = "verification.finished")]
    #[strum(serialize = "verification.finished")]
    VerificationFinished,
    /// A verified version is waiting for an operator's approval.
    #[serde(rename = "storage_config.approval_requested")]
    #[strum(serialize = "storage_config.approval_requested")]
    ApprovalRequested,
    /// A version became the active one.
    #[serde(rename = "storage_config.activated")]
    #[strum(serialize = "storage_config.activated")]
    StorageConfigActivated,
}

/// The type of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, IntoStaticStr, EnumIter)]
pub enum MessageType {
    #[serde(rename = "tenant.status_changed")]
    #[strum(serialize = "tenant.status_changed")]
    TenantStatusChanged,
    #[serde(rename = "tenant.drifted")]
    #[strum(serialize = "tenant.drifted")]
    TenantDrifted,
    #[serde(rename = "verification.finished")]
    #[strum(serialize = "verification.finished")]
    VerificationFinished,
    #[serde(rename = "storage_config.approval_requested")]
    #[strum(serialize = "storage_config.approval_requested")]
    ApprovalRequested,
    #[serde(rename = "storage_config.activated")]
    #[strum(serialize = "storage_config.activated")]
    StorageConfigActivated,
    /// Sent when operators request it.
    #[serde(rename = "webhook.test")]
    #[strum(serialize = "webhook.test")]
    WebhookTest,
}

impl From<Topic> for MessageType {
    fn from(topic: Topic) -> Self {
        match topic {
            Topic::TenantStatusChanged => Self::TenantStatusChanged,
            Topic::TenantDrifted => Self::TenantDrifted,
            Topic::VerificationFinished => Self::VerificationFinished,
            Topic::ApprovalRequested => Self::ApprovalRequested,
            Topic::StorageConfigActivated => Self::StorageConfigActivated,
        }
    }
}

/// A description of the webhook, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookDescription(String);

impl WebhookDescription {
    /// # Errors
    /// `malformed_description`.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let text = text.trim();
        if !is_line(text, 200) {
            let detail = "a description must be a single line of 1 to 200 characters; omit the field for none";
            return Err(Malformed::new("malformed_description", detail));
        }
        Ok(Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

checked_text!(WebhookDescription);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    pub id: WebhookId,
    pub url: WebhookUrl,
    pub topics: Vec<Topic>,
    pub description: Option<WebhookDescription>,
    pub created_at: DateTime<Utc>,
    pub signing: Signing,
    /// When the receiver responded that it is gone for good. Nothing is sent until operators enable the webhook again.
    pub disabled_at: Option<DateTime<Utc>>,
    /// When the oldest pending message was created.
    pub waiting_since: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, IntoStaticStr, EnumIter)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum DeliveryState {
    /// For its turn, a response, or its next attempt.
    Waiting,
    Delivered,
    /// All attempts of a day failed, or the webhook was disabled.
    GivenUp,
}

/// One message to one webhook.
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
    /// None before the first attempt, during an attempt, and after the last.
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// In order.
    pub attempts: Vec<DeliveryAttempt>,
}

/// One attempt to deliver a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryAttempt {
    /// Starts at 1.
    pub number: i32,
    pub started_at: DateTime<Utc>,
    /// None while the attempt is running, and if it was interrupted.
    pub duration_ms: Option<i32>,
    /// The status of the response.
    pub status: Option<i32>,
    /// None if the attempt succeeded.
    pub failure: Option<DeliveryFailureKind>,
}

/// Why a message was not delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, IntoStaticStr, EnumIter)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum DeliveryFailureKind {
    /// The address is not public, and no setting allows it. Nothing was sent.
    RefusedTarget,
    /// The host name has no address.
    Unresolvable,
    /// The connection was refused or failed.
    Unreachable,
    /// The TLS handshake failed, for example because the certificate is not trusted.
    Tls,
    /// There was no response in time.
    TimedOut,
    /// The connection was closed before there was a response.
    BrokenOff,
    /// The response was a redirect, which is not followed.
    Redirected,
    /// The response was 410 Gone, so the webhook is disabled.
    Gone,
    /// The response had another status than 2xx.
    Status,
    /// The key for signing is not in the settings. Nothing was sent.
    Unsigned,
}

impl DeliveryFailureKind {
    /// Whether any other message to this webhook would fail now too.
    pub fn concerns_all(self) -> bool {
        !matches!(self, Self::Redirected | Self::Status)
    }
}

/// A failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliveryFailure {
    pub kind: DeliveryFailureKind,
    pub status: Option<u16>,
    /// The delay that the receiver asked for.
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
