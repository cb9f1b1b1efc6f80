//! The change feed: the tenants in the order of their last change, each with its current state.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::error::{StoreError, column};
use super::{Result, storage_configs};
use crate::domain::external_id::ExternalId;
use crate::domain::feed::FeedCursor;
use crate::domain::ids::{Slug, TenantId};
use crate::domain::storage_config::ActiveConfig;
use crate::domain::tenant::{ActiveFacts, TenantFacts};

/// The channel that announces changes of storage configs and tokens.
pub(crate) const CHANGES: &str = "latchkey_changes";

const TABLE: &str = "config_changes";

/// The end of the feed, which shows whether anything changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FeedHead {
    /// The position of the last change.
    pub(crate) position: i64,
    /// Differs after every change of the tokens.
    pub(crate) token_mark: Uuid,
    /// Whether the database's history contains the cursor that the reader knows.
    pub(crate) continues: bool,
    /// Whether the server is a standby, which may be behind the primary by any time.
    pub(crate) is_standby: bool,
}

/// A changed tenant, in its current state.
#[derive(Debug, Clone)]
pub(crate) struct ConfigChange {
    pub(crate) cursor: FeedCursor,
    pub changed_at: DateTime<Utc>,
    pub tenant_id: TenantId,
    pub slug: Slug,
    pub external_id: ExternalId,
    pub facts: TenantFacts,
    /// AWS sessions that were made before must not be handed out.
    pub sessions_revoked_at: Option<DateTime<Utc>>,
    pub active: Option<ActiveConfig>,
}

/// The head, for a reader that knows the feed up to this cursor. None knows nothing of it.
pub(crate) async fn head(db: &mut PgConnection, known: Option<FeedCursor>) -> Result<FeedHead> {
    let head = sqlx::query_as!(
        FeedHead,
        r#"select config_changes as position, token_mark,
                  $1::bigint is null or exists (select from change_marks where position = $1 and mark = $2) as "continues!",
                  pg_is_in_recovery() as "is_standby!"
           from change_counters"#,
        known.map(|known| known.position),
        known.map(|known| known.mark),
    );
    Ok(head.fetch_one(db).await?)
}

/// The marks after a position up to another one, in order. Only the most recent ones are kept.
pub(crate) async fn marks(db: &mut PgConnection, after: i64, up_to: i64) -> Result<Vec<FeedCursor>> {
    let marks = sqlx::query_as!(
        FeedCursor,
        "select position, mark from change_marks where position > $1 and position <= $2 order by position",
        after,
        up_to,
    );
    Ok(marks.fetch_all(db).await?)
}

/// A row of the feed. One that cannot be read must not block the others.
pub(crate) struct FeedRow {
    pub position: i64,
    pub tenant_id: TenantId,
    pub change: Result<ConfigChange>,
}

/// The changes after this position, in order. A tenant that changes again moves to the end.
pub(crate) async fn after(db: &mut PgConnection, position: i64, limit: i64) -> Result<Vec<FeedRow>> {
    let rows = sqlx::query_as!(
        ChangeRow,
        r#"select f.position, f.mark, f.changed_at, t.id as tenant_id, t.slug, t.external_id, t.suspended_at, t.offboarded_at,
                  t.sessions_revoked_at, a.verified_at, a.first_rejection, a.last_rejection, a.first_breach, a.last_breach, a.config_id, a.version, a.mode, a.bucket_arn,
                  a.bucket_account_id, a.region, a.key_arn, a.role_arn, a.prefix, a.access, a.sample_object, a.created_at
           from config_changes f
           join tenants t on t.id = f.tenant_id
           left join active_versions a on a.tenant_id = t.id
           where f.position > $1 order by f.position limit $2"#,
        position,
        limit,
    )
    .fetch_all(db)
    .await?;
    let read = |row: ChangeRow| FeedRow {
        position: row.position,
        tenant_id: row.tenant_id.into(),
        change: row.try_into(),
    };
    Ok(rows.into_iter().map(read).collect())
}

struct ChangeRow {
    position: i64,
    mark: Uuid,
    changed_at: DateTime<Utc>,
    tenant_id: Uuid,
    slug: String,
    external_id: String,
    suspended_at: Option<DateTime<Utc>>,
    offboarded_at: Option<DateTime<Utc>>,
    sessions_revoked_at: Option<DateTime<Utc>>,
    verified_at: Option<DateTime<Utc>>,
    first_rejection: Option<DateTime<Utc>>,
    last_rejection: Option<DateTime<Utc>>,
    first_breach: Option<DateTime<Utc>>,
    last_breach: Option<DateTime<Utc>>,
    config_id: Option<Uuid>,
    version: Option<i32>,
    mode: Option<String>,
    bucket_arn: Option<String>,
    bucket_account_id: Option<String>,
    region: Option<String>,
    key_arn: Option<String>,
    role_arn: Option<String>,
    prefix: Option<String>,
    access: Option<String>,
    sample_object: Option<String>,
    created_at: Option<DateTime<Utc>>,
}

impl ChangeRow {
    fn active(&mut self) -> Result<Option<ActiveConfig>> {
        let Some(id) = self.config_id else {
            return Ok(None);
        };
        let missing = || StoreError::inconsistent(TABLE, id, "a column of its config is null");
        let config = storage_configs::StorageConfigRow {
            id,
            tenant_id: self.tenant_id,
            version: self.version.ok_or_else(missing)?,
            mode: self.mode.take().ok_or_else(missing)?,
            bucket_arn: self.bucket_arn.take().ok_or_else(missing)?,
            bucket_account_id: self.bucket_account_id.take().ok_or_else(missing)?,
            region: self.region.take().ok_or_else(missing)?,
            key_arn: self.key_arn.take().ok_or_else(missing)?,
            role_arn: self.role_arn.take(),
            prefix: self.prefix.take().ok_or_else(missing)?,
            access: self.access.take().ok_or_else(missing)?,
            sample_object: self.sample_object.take(),
            created_at: self.created_at.ok_or_else(missing)?,
        };
        Ok(Some(ActiveConfig {
            config: config.try_into()?,
            verified_at: self.verified_at.ok_or_else(missing)?,
        }))
    }
}

impl TryFrom<ChangeRow> for ConfigChange {
    type Error = StoreError;

    fn try_from(mut row: ChangeRow) -> Result<Self> {
        let active = row.active()?;
        Ok(Self {
            cursor: FeedCursor {
                position: row.position,
                mark: row.mark,
            },
            changed_at: row.changed_at,
            tenant_id: row.tenant_id.into(),
            slug: column(TABLE, row.tenant_id, &row.slug)?,
            external_id: column(TABLE, row.tenant_id, &row.external_id)?,
            facts: TenantFacts {
                offboarded_at: row.offboarded_at,
                suspended_at: row.suspended_at,
                active: active.as_ref().map(|active| ActiveFacts {
                    version: active.config.version,
                    rejections: row.first_rejection.zip(row.last_rejection),
                    breaches: row.first_breach.zip(row.last_breach),
                }),
                newest: None,
            },
            sessions_revoked_at: row.sessions_revoked_at,
            active,
        })
    }
}
