//! Webhooks. Signing secrets are not stored: they are derived from a stored generation and a key from the settings.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::Result;
use super::error::{StoreError, column};
use crate::domain::ids::WebhookId;
use crate::domain::webhook::secret::{Signing, SigningKeyId};
use crate::domain::webhook::target::WebhookUrl;
use crate::domain::webhook::{Topic, Webhook, WebhookDescription};

const TABLE: &str = "webhooks";

struct WebhookRow {
    id: Uuid,
    url: String,
    events: Vec<String>,
    description: Option<String>,
    created_at: DateTime<Utc>,
    generation: i32,
    key_id: String,
    previous_key_id: Option<String>,
    previous_until: Option<DateTime<Utc>>,
    disabled_at: Option<DateTime<Utc>>,
    waiting_since: Option<DateTime<Utc>>,
}

/// Selects webhooks.
macro_rules! select_webhooks {
    ($rest:literal, $($argument:expr),+ $(,)?) => {
        sqlx::query_as!(
            WebhookRow,
            r#"select id, url, events, description, created_at, generation, key_id, previous_key_id, previous_until, disabled_at,
                      (select min(d.created_at) from webhook_deliveries d where d.webhook_id = w.id and d.state = 'waiting') as waiting_since
               from webhooks w "# + $rest,
            $($argument),+
        )
    };
}

impl TryFrom<WebhookRow> for Webhook {
    type Error = StoreError;

    fn try_from(row: WebhookRow) -> Result<Self> {
        let id = row.id;
        let previous = match row.previous_key_id.zip(row.previous_until) {
            Some((key, until)) => Some((column(TABLE, id, &key)?, until)),
            None => None,
        };
        Ok(Self {
            id: id.into(),
            // Without the URL: it may contain a secret.
            url: WebhookUrl::read(&row.url).map_err(|fault| StoreError::inconsistent(TABLE, id, fault.code))?,
            topics: row.events.iter().map(|event| column(TABLE, id, event)).collect::<Result<_>>()?,
            description: row.description.map(|text| column(TABLE, id, &text)).transpose()?,
            created_at: row.created_at,
            signing: Signing {
                generation: row.generation,
                key: column(TABLE, id, &row.key_id)?,
                previous,
            },
            disabled_at: row.disabled_at,
            waiting_since: row.waiting_since,
        })
    }
}

/// Counts the webhooks, and blocks new ones until the transaction ends.
pub(crate) async fn count_locked(db: &mut PgConnection) -> Result<i64> {
    sqlx::query!("lock table webhooks in share row exclusive mode")
        .execute(&mut *db)
        .await?;
    let count = sqlx::query_scalar!(r#"select count(*) as "count!" from webhooks where deleted_at is null"#)
        .fetch_one(db)
        .await?;
    Ok(count)
}

pub(crate) async fn insert(db: &mut PgConnection, webhook: &Webhook) -> Result<()> {
    let events: Vec<String> = webhook.topics.iter().map(ToString::to_string).collect();
    sqlx::query!(
        "insert into webhooks (id, url, events, description, created_at, generation, key_id) values ($1, $2, $3, $4, $5, $6, $7)",
        webhook.id.as_uuid(),
        webhook.url.as_str(),
        &events,
        webhook.description.as_ref().map(WebhookDescription::as_str),
        webhook.created_at,
        webhook.signing.generation,
        webhook.signing.key.as_str(),
    )
    .execute(db)
    .await?;
    Ok(())
}

pub(crate) async fn find(db: &mut PgConnection, id: WebhookId) -> Result<Option<Webhook>> {
    select_webhooks!("where id = $1 and deleted_at is null", id.as_uuid())
        .fetch_optional(db)
        .await?
        .map(Webhook::try_from)
        .transpose()
}

/// Locks and returns a webhook.
pub(crate) async fn find_locked(db: &mut PgConnection, id: WebhookId) -> Result<Option<Webhook>> {
    sqlx::query!("select id from webhooks where id = $1 for no key update", id.as_uuid())
        .fetch_optional(&mut *db)
        .await?;
    find(db, id).await
}

/// A page of webhooks, newest first.
pub(crate) async fn list(db: &mut PgConnection, after: Option<(DateTime<Utc>, WebhookId)>, limit: i64) -> Result<Vec<Webhook>> {
    let (at, id) = after.unzip();
    select_webhooks!(
        "where deleted_at is null and ($1::timestamptz is null or (created_at, id) < ($1, $2))
         order by created_at desc, id desc limit $3",
        at,
        id.map(WebhookId::as_uuid),
        limit,
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(Webhook::try_from)
    .collect()
}

/// The webhooks that subscribe to this event.
pub(crate) async fn listening(db: &mut PgConnection, topic: Topic) -> Result<Vec<WebhookId>> {
    let topic: &str = topic.into();
    let ids = sqlx::query_scalar!(
        "select id from webhooks where deleted_at is null and disabled_at is null and $1 = any (events) order by id",
        topic,
    )
    .fetch_all(db)
    .await?;
    Ok(ids.into_iter().map(WebhookId::from).collect())
}

/// Replaces the signing secret. The previous one also signs until `previous_until`, if that is set.
pub(crate) async fn rotate(db: &mut PgConnection, id: WebhookId, key: &SigningKeyId, previous_until: Option<DateTime<Utc>>) -> Result<()> {
    sqlx::query!(
        "update webhooks
         set generation = generation + 1, key_id = $2, previous_key_id = case when $3::timestamptz is null then null else key_id end,
             previous_until = $3
         where id = $1",
        id.as_uuid(),
        key.as_str(),
        previous_until,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Disables or enables a webhook.
pub(crate) async fn set_disabled(db: &mut PgConnection, id: WebhookId, since: Option<DateTime<Utc>>) -> Result<()> {
    sqlx::query!("update webhooks set disabled_at = $2 where id = $1", id.as_uuid(), since)
        .execute(db)
        .await?;
    Ok(())
}

pub(crate) async fn delete(db: &mut PgConnection, id: WebhookId, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!("update webhooks set deleted_at = $2 where id = $1", id.as_uuid(), now)
        .execute(db)
        .await?;
    Ok(())
}

/// Removes webhooks that were deleted before this time and have no deliveries left.
pub(crate) async fn sweep(db: &mut PgConnection, deleted_before: DateTime<Utc>) -> Result<u64> {
    let swept = sqlx::query!(
        "delete from webhooks w
         where deleted_at < $1 and not exists (select from webhook_deliveries d where d.webhook_id = w.id)",
        deleted_before,
    )
    .execute(db)
    .await?;
    Ok(swept.rows_affected())
}
