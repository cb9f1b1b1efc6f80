//! Invites. Only hashes of their tokens are stored.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::error::column;
use super::{Result, StoreError};
use crate::domain::ids::{InviteId, TenantId};
use crate::domain::invite::Invite;
use crate::domain::token::TokenHash;

const TABLE: &str = "invites";

/// A row of `invites`.
struct InviteRow {
    id: Uuid,
    tenant_id: Uuid,
    purpose: String,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    last_used_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
}

/// A query that returns invites.
macro_rules! query_invites {
    ($before:literal, $after:literal, $($argument:expr),+ $(,)?) => {
        sqlx::query_as!(
            InviteRow,
            $before + " id, tenant_id, purpose, created_at, expires_at, last_used_at, revoked_at " + $after,
            $($argument),+
        )
    };
}

impl TryFrom<InviteRow> for Invite {
    type Error = StoreError;

    fn try_from(row: InviteRow) -> Result<Self> {
        Ok(Self {
            id: row.id.into(),
            tenant_id: row.tenant_id.into(),
            purpose: column(TABLE, row.id, &row.purpose)?,
            created_at: row.created_at,
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
            revoked_at: row.revoked_at,
        })
    }
}

pub(crate) async fn insert(db: &mut PgConnection, invite: &Invite, token: &TokenHash) -> Result<()> {
    let purpose: &str = invite.purpose.into();
    sqlx::query!(
        "insert into invites (id, tenant_id, purpose, hash, created_at, expires_at) values ($1, $2, $3, $4, $5, $6)",
        invite.id.as_uuid(),
        invite.tenant_id.as_uuid(),
        purpose,
        token.as_bytes(),
        invite.created_at,
        invite.expires_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The invite whose token has this hash, even if it is expired or revoked.
pub(crate) async fn find_by_token(db: &mut PgConnection, hash: &TokenHash) -> Result<Option<Invite>> {
    let row = query_invites!("select", "from invites where hash = $1", hash.as_bytes())
        .fetch_optional(db)
        .await?;
    row.map(Invite::try_from).transpose()
}

pub(crate) async fn find(db: &mut PgConnection, id: InviteId) -> Result<Option<Invite>> {
    let row = query_invites!("select", "from invites where id = $1", id.as_uuid())
        .fetch_optional(db)
        .await?;
    row.map(Invite::try_from).transpose()
}

/// A tenant's invites, newest first.
pub(crate) async fn of_tenant(db: &mut PgConnection, tenant: TenantId) -> Result<Vec<Invite>> {
    let rows = query_invites!(
        "select",
        "from invites where tenant_id = $1 order by created_at desc, id desc limit 1000",
        tenant.as_uuid(),
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(Invite::try_from).collect()
}

/// Locks and returns an invite of this tenant.
pub(crate) async fn lock(db: &mut PgConnection, tenant: TenantId, id: InviteId) -> Result<Option<Invite>> {
    let row = query_invites!(
        "select",
        "from invites where id = $1 and tenant_id = $2 for update",
        id.as_uuid(),
        tenant.as_uuid(),
    )
    .fetch_optional(db)
    .await?;
    row.map(Invite::try_from).transpose()
}

/// Locks and returns the tenant's invites that are not revoked.
pub(crate) async fn lock_open(db: &mut PgConnection, tenant: TenantId) -> Result<Vec<Invite>> {
    let rows = query_invites!(
        "select",
        "from invites where tenant_id = $1 and revoked_at is null order by id for update",
        tenant.as_uuid(),
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(Invite::try_from).collect()
}

/// Gives an invite whose link nobody knows another secret and lifetime.
pub(crate) async fn replace_secret(db: &mut PgConnection, id: InviteId, token: &TokenHash, expires_at: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "update invites set hash = $2, expires_at = $3 where id = $1",
        id.as_uuid(),
        token.as_bytes(),
        expires_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

pub(crate) async fn revoke(db: &mut PgConnection, id: InviteId, now: DateTime<Utc>) -> Result<Invite> {
    let row = query_invites!("update invites set revoked_at = $2 where id = $1 returning", "", id.as_uuid(), now)
        .fetch_one(db)
        .await?;
    row.try_into()
}

/// Records a visit, at most once a minute: a page that shows a verification polls.
pub(crate) async fn touch(db: &mut PgConnection, id: InviteId, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "update invites set last_used_at = $2
         where id = $1 and (last_used_at is null or last_used_at < $2::timestamptz - interval '1 minute')",
        id.as_uuid(),
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}
