//! Rotating a webhook's secret. During an overlap, messages are signed with both secrets, so that the receiver can switch
//! without rejecting any.

use chrono::TimeDelta;
use secrecy::SecretString;

use crate::domain::audit::{AuditAction, AuditChange};
use crate::domain::ids::WebhookId;
use crate::domain::webhook::Webhook;
use crate::service::{Caller, Context};
use crate::store::{self, webhooks};

/// The default overlap.
pub const OVERLAP: TimeDelta = TimeDelta::hours(24);

#[derive(Debug, thiserror::Error)]
pub enum RotateSecretError {
    #[error("there is no such webhook")]
    Unknown,
    #[error("the key for deriving secrets is not set")]
    NoKey,
    #[error(transparent)]
    Store(#[from] store::StoreError),
}

/// Creates the next secret, which only the result contains. The current one also signs until the overlap is over; older ones
/// stop working immediately.
pub async fn rotate_secret(
    context: &Context,
    caller: &Caller,
    id: WebhookId,
    overlap: TimeDelta,
) -> Result<(Webhook, SecretString), RotateSecretError> {
    let keys = &context.webhooks.keys;
    let mut db = store::begin(&context.pool).await?;
    let before = webhooks::find_locked(&mut db, id).await?.ok_or(RotateSecretError::Unknown)?;
    let key = keys.first().ok_or(RotateSecretError::NoKey)?;
    let until = (!overlap.is_zero()).then(|| context.clock.now() + overlap);
    webhooks::rotate(&mut db, id, &key, until).await?;
    let webhook = webhooks::find(&mut db, id).await?.ok_or(RotateSecretError::Unknown)?;
    let secret = keys.secret(id, &webhook.signing).map_err(|_| RotateSecretError::NoKey)?;
    let difference = AuditChange::between(&before, &webhook).with(serde_json::json!({"webhook_id": id}));
    context
        .audit(&mut db, caller, AuditAction::WebhookSecretRotated, None, difference)
        .await?;
    store::commit(db).await?;
    Ok((webhook, secret))
}
