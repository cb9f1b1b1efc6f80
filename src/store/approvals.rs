//! Approvals of changes of an active version.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::error::column;
use super::storage_configs::{StorageConfigRow, config_row};
use super::{Result, StoreError};
use crate::domain::approval::{Approval, ApprovalState, PendingApproval};
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
    prefix: String,
    access: String,
    sample_object: Option<String>,
    created_at: DateTime<Utc>,
    state: String,
    requested_at: DateTime<Utc>,
    decided_at: Option<DateTime<Utc>>,
    verification_id: Option<Uuid>,
}

/// The approval in the row of a query that has more columns than these.
macro_rules! approval_row {
    ($row:ident) => {
        ApprovalRow {
            id: $row.id,
            tenant_id: $row.tenant_id,
            version: $row.version,
            mode: $row.mode,
            bucket_arn: $row.bucket_arn,
            bucket_account_id: $row.bucket_account_id,
            region: $row.region,
            key_arn: $row.key_arn,
            role_arn: $row.role_arn,
            prefix: $row.prefix,
            access: $row.access,
            sample_object: $row.sample_object,
            created_at: $row.created_at,
            state: $row.state,
            requested_at: $row.requested_at,
            decided_at: $row.decided_at,
            verification_id: $row.verification_id,
        }
    };
}

/// Selects approvals.
macro_rules! select_approvals {
    ($rest:literal, $($argument:expr),+ $(,)?) => {
        sqlx::query_as!(
            ApprovalRow,
            r#"select c.id, c.tenant_id, c.version, c.mode, c.bucket_arn, c.bucket_account_id, c.region, c.key_arn, c.role_arn, c.prefix, c.access, c.sample_object,
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

/// A row of `approvals`, with its version, its tenant and the tenant's active version.
struct PendingRow {
    id: Uuid,
    tenant_id: Uuid,
    version: i32,
    mode: String,
    bucket_arn: String,
    bucket_account_id: String,
    region: String,
    key_arn: String,
    role_arn: Option<String>,
    prefix: String,
    access: String,
    sample_object: Option<String>,
    created_at: DateTime<Utc>,
    state: String,
    requested_at: DateTime<Utc>,
    decided_at: Option<DateTime<Utc>>,
    verification_id: Option<Uuid>,
    slug: String,
    name: String,
    active_id: Option<Uuid>,
    active_version: Option<i32>,
    active_mode: Option<String>,
    active_bucket_arn: Option<String>,
    active_bucket_account_id: Option<String>,
    active_region: Option<String>,
    active_key_arn: Option<String>,
    active_role_arn: Option<String>,
    active_prefix: Option<String>,
    active_access: Option<String>,
    active_sample_object: Option<String>,
    active_created_at: Option<DateTime<Utc>>,
}

impl PendingRow {
    fn active(&self) -> Option<StorageConfigRow> {
        Some(StorageConfigRow {
            id: self.active_id?,
            tenant_id: self.tenant_id,
            version: self.active_version?,
            mode: self.active_mode.clone()?,
            bucket_arn: self.active_bucket_arn.clone()?,
            bucket_account_id: self.active_bucket_account_id.clone()?,
            region: self.active_region.clone()?,
            key_arn: self.active_key_arn.clone()?,
            role_arn: self.active_role_arn.clone(),
            prefix: self.active_prefix.clone()?,
            access: self.active_access.clone()?,
            sample_object: self.active_sample_object.clone(),
            created_at: self.active_created_at?,
        })
    }
}

impl TryFrom<PendingRow> for PendingApproval {
    type Error = StoreError;

    fn try_from(row: PendingRow) -> Result<Self> {
        Ok(Self {
            slug: column(TABLE, row.id, &row.slug)?,
            name: column(TABLE, row.id, &row.name)?,
            active: row.active().map(StorageConfig::try_from).transpose()?,
            approval: approval_row!(row).try_into()?,
        })
    }
}

/// Pending approvals, the oldest first, after one that was requested at this time.
pub(crate) async fn pending(
    db: &mut PgConnection,
    after: Option<(DateTime<Utc>, StorageConfigId)>,
    limit: i64,
) -> Result<Vec<PendingApproval>> {
    let (at, id) = after.map(|(at, id)| (at, id.as_uuid())).unzip();
    sqlx::query_as!(
        PendingRow,
        r#"select c.id, c.tenant_id, c.version, c.mode, c.bucket_arn, c.bucket_account_id, c.region, c.key_arn, c.role_arn, c.prefix, c.access, c.sample_object, c.created_at,
                  a.state, a.requested_at, a.decided_at, a.verification_id, t.slug, t.name,
                  r.id as "active_id?", r.version as "active_version?", r.mode as "active_mode?", r.bucket_arn as "active_bucket_arn?",
                  r.bucket_account_id as "active_bucket_account_id?", r.region as "active_region?", r.key_arn as "active_key_arn?",
                  r.role_arn as "active_role_arn?", r.prefix as "active_prefix?", r.access as "active_access?",
                  r.sample_object as "active_sample_object?", r.created_at as "active_created_at?"
           from approvals a
           join storage_configs c on c.id = a.config_id
           join tenants t on t.id = a.tenant_id
           left join active_configs x on x.tenant_id = a.tenant_id
           left join storage_configs r on r.id = x.config_id
           where a.state = 'pending' and ($1::timestamptz is null or (a.requested_at, a.config_id) > ($1, $2::uuid))
           order by a.requested_at, a.config_id limit $3"#,
        at,
        id,
        limit,
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(PendingApproval::try_from)
    .collect()
}
