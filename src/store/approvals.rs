//! Approvals of changes of an active version.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::error::column;
use super::storage_configs::config_row;
use super::{Result, StoreError};
use crate::domain::approval::{Approval, ApprovalState};
use crate::domain::ids::{StorageConfigId, TenantId, VerificationId};
use crate::domain::storage_config::StorageConfig;

const TABLE: &str = "approvals";

/// A row of `approvals`, with its version.
struct ApprovalRow {
    id: Uuid,
    tenant_id: Uuid,
    version: i32,
    mode: String,
    bucket_arn: String,
    bucket_account_id: String,
    region: String,
    key_arn: String,
    role_arn: Option<String>,
    created_at: DateTime<Utc>,
    state: String,
    requested_at: DateTime<Utc>,
    decided_at: Option<DateTime<Utc>>,
    verification_id: Option<Uuid>,
}

/// Selects approvals.
macro_rules! select_approvals {
    ($rest:literal, $($argument:expr),+ $(,)?) => {
        sqlx::query_as!(
            ApprovalRow,
            r#"select c.id, c.tenant_id, c.version, c.mode, c.bucket_arn, c.bucket_account_id, c.region, c.key_arn, c.role_arn,
                      c.created_at, a.state, a.requested_at, a.decided_at, a.verification_id
               from approvals a join storage_configs c on c.id = a.config_id "# + $rest,
            $($argument),+
        )
    };
}

impl TryFrom<ApprovalRow> for Approval {
    type Error = StoreError;

    fn try_from(row: ApprovalRow) -> Result<Self> {
        Ok(Self {
            state: column(TABLE, row.id, &row.state)?,
            requested_at: row.requested_at,
            decided_at: row.decided_at,
            verification: row.verification_id.map(Into::into),
            config: StorageConfig::try_from(config_row!(row))?,
        })
    }
}

/// Requests the approval of a version, unless it was requested before. A withdrawn one is requested again. True if it is now pending
/// and was not before.
pub(crate) async fn request(db: &mut PgConnection, config: &StorageConfig, now: DateTime<Utc>) -> Result<bool> {
    let requested = sqlx::query!(
        "insert into approvals as a (config_id, tenant_id, state, requested_at) values ($1, $2, 'pending', $3)
         on conflict (config_id) do update set state = 'pending', requested_at = excluded.requested_at, decided_at = null, verification_id = null
         where a.state = 'withdrawn'",
        config.id.as_uuid(),
        config.tenant_id.as_uuid(),
        now,
    );
    Ok(requested.execute(db).await?.rows_affected() == 1)
}

/// Records a decision. The caller must have locked the tenant.
pub(crate) async fn set_state(db: &mut PgConnection, config: StorageConfigId, state: ApprovalState, now: DateTime<Utc>) -> Result<()> {
    let text: &str = state.into();
    let decided_at = (state != ApprovalState::Pending).then_some(now);
    sqlx::query!(
        "update approvals set state = $2, decided_at = $3 where config_id = $1",
        config.as_uuid(),
        text,
        decided_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Approves a version. The verification activates it.
pub(crate) async fn approve(
    db: &mut PgConnection,
    config: StorageConfigId,
    verification: VerificationId,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "update approvals set state = 'approved', decided_at = $3, verification_id = $2 where config_id = $1",
        config.as_uuid(),
        verification.as_uuid(),
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

pub(crate) async fn find(db: &mut PgConnection, config: StorageConfigId) -> Result<Option<Approval>> {
    select_approvals!("where a.config_id = $1", config.as_uuid())
        .fetch_optional(db)
        .await?
        .map(Approval::try_from)
        .transpose()
}

/// The tenant's approval that is pending, or approved and not activated yet.
pub(crate) async fn open(db: &mut PgConnection, tenant: TenantId) -> Result<Option<Approval>> {
    select_approvals!("where a.tenant_id = $1 and a.state in ('pending', 'approved')", tenant.as_uuid())
        .fetch_optional(db)
        .await?
        .map(Approval::try_from)
        .transpose()
}

/// Pending approvals, the oldest first, after one that was requested at this time.
pub(crate) async fn pending(db: &mut PgConnection, after: Option<(DateTime<Utc>, StorageConfigId)>, limit: i64) -> Result<Vec<Approval>> {
    let (at, id) = after.map(|(at, id)| (at, id.as_uuid())).unzip();
    select_approvals!(
        "where a.state = 'pending' and ($1::timestamptz is null or (a.requested_at, a.config_id) > ($1, $2::uuid))
         order by a.requested_at, a.config_id limit $3",
        at,
        id,
        limit,
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(Approval::try_from)
    .collect()
}
