//! API tokens. Only their hashes are here.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Result, error};
use crate::domain::ids::{TenantId, TokenId};
use crate::domain::token::{Token, TokenHash};

pub async fn insert(db: &mut PgConnection, token: &Token, hash: &TokenHash) -> Result<()> {
    let role: &str = token.role.into();
    let tenants: Option<Vec<Uuid>> = token
        .tenants
        .as_ref()
        .map(|tenants| tenants.iter().map(|tenant| tenant.as_uuid()).collect());
    sqlx::query!(
        "insert into tokens (id, name, role, hash, created_at, expires_at, tenants) values ($1, $2, $3, $4, $5, $6, $7)",
        token.id.as_uuid(),
        token.name,
        role,
        hash.as_bytes(),
        token.created_at,
        token.expires_at,
        tenants.as_deref(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A row of `tokens`, wherever it was selected from.
pub(super) struct Row {
    pub id: Uuid,
    pub name: String,
    pub role: String,
    pub created_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
    pub last_used_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
    pub tenants: Option<Vec<Uuid>>,
}

impl TryFrom<Row> for Token {
    type Error = error::StoreError;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: row.id.into(),
            role: error::column("tokens", row.id, &row.role)?,
            name: row.name,
            created_at: row.created_at,
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
            revoked_at: row.revoked_at,
            tenants: row.tenants.map(|tenants| tenants.into_iter().map(Into::into).collect()),
        })
    }
}

/// The token of this hash, if it is still good at that time.
pub async fn find_valid(db: &mut PgConnection, hash: &TokenHash, now: DateTime<Utc>) -> Result<Option<Token>> {
    sqlx::query_as!(
        Row,
        "select id, name, role, created_at, expires_at, last_used_at, revoked_at, tenants from tokens
         where hash = $1 and revoked_at is null and (expires_at is null or expires_at > $2)",
        hash.as_bytes(),
        now,
    )
    .fetch_optional(db)
    .await?
    .map(Token::try_from)
    .transpose()
}

/// All tokens that are good at that time. One that is inconsistent is left out, and so is refused.
pub async fn valid(db: &mut PgConnection, now: DateTime<Utc>) -> Result<Vec<(TokenHash, Token)>> {
    let rows = sqlx::query!(
        "select id, name, role, hash, created_at, expires_at, last_used_at, revoked_at, tenants from tokens
         where revoked_at is null and (expires_at is null or expires_at > $1)",
        now,
    )
    .fetch_all(db)
    .await?;
    let read = |(hash, row): (Vec<u8>, Row)| {
        let hash = TokenHash::read(&hash)?;
        Token::try_from(row).ok().map(|token| (hash, token))
    };
    let rows = rows.into_iter().map(|row| {
        let token = Row {
            id: row.id,
            name: row.name,
            role: row.role,
            created_at: row.created_at,
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
            revoked_at: row.revoked_at,
            tenants: row.tenants,
        };
        (row.hash, token)
    });
    Ok(rows.filter_map(read).collect())
}

/// Notes the last uses of many.
pub async fn touch_all(db: &mut PgConnection, used: &[(TokenId, DateTime<Utc>)]) -> Result<()> {
    let (ids, times): (Vec<Uuid>, Vec<DateTime<Utc>>) = used.iter().map(|(id, at)| (id.as_uuid(), *at)).unzip();
    sqlx::query!(
        "update tokens t set last_used_at = u.at from unnest($1::uuid[], $2::timestamptz[]) as u (id, at)
         where t.id = u.id and (t.last_used_at is null or t.last_used_at < u.at)",
        &ids,
        &times,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The token of this id, locked.
pub async fn lock(db: &mut PgConnection, id: TokenId) -> Result<Option<Token>> {
    sqlx::query_as!(
        Row,
        "select id, name, role, created_at, expires_at, last_used_at, revoked_at, tenants from tokens where id = $1 for update",
        id.as_uuid(),
    )
    .fetch_optional(db)
    .await?
    .map(Token::try_from)
    .transpose()
}

/// The tokens that name this tenant and are not revoked, locked.
pub async fn lock_of_tenant(db: &mut PgConnection, tenant: TenantId) -> Result<Vec<Token>> {
    sqlx::query_as!(
        Row,
        "select id, name, role, created_at, expires_at, last_used_at, revoked_at, tenants from tokens
         where revoked_at is null and $1 = any(tenants) order by id for update",
        tenant.as_uuid(),
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(Token::try_from)
    .collect()
}

/// Takes a tenant out of a token that is for others too, and revokes one that is for it alone.
pub async fn end_tenant(db: &mut PgConnection, id: TokenId, tenant: TenantId, now: DateTime<Utc>) -> Result<Token> {
    sqlx::query_as!(
        Row,
        "update tokens set
             revoked_at = case when tenants <@ array[$2::uuid] then $3 else revoked_at end,
             tenants = case when tenants <@ array[$2::uuid] then tenants else array_remove(tenants, $2) end
         where id = $1 returning id, name, role, created_at, expires_at, last_used_at, revoked_at, tenants",
        id.as_uuid(),
        tenant.as_uuid(),
        now,
    )
    .fetch_one(db)
    .await?
    .try_into()
}

/// Revokes a token.
pub async fn end(db: &mut PgConnection, id: TokenId, now: DateTime<Utc>) -> Result<Token> {
    sqlx::query_as!(
        Row,
        "update tokens set revoked_at = $2 where id = $1
         returning id, name, role, created_at, expires_at, last_used_at, revoked_at, tenants",
        id.as_uuid(),
        now,
    )
    .fetch_one(db)
    .await?
    .try_into()
}

/// A page of tokens, ended ones too, newest first, after the one given.
pub async fn list(db: &mut PgConnection, after: Option<(DateTime<Utc>, TokenId)>, limit: i64) -> Result<Vec<Token>> {
    let (at, id) = after.unzip();
    sqlx::query_as!(
        Row,
        "select id, name, role, created_at, expires_at, last_used_at, revoked_at, tenants from tokens
         where $1::timestamptz is null or (created_at, id) < ($1, $2)
         order by created_at desc, id desc limit $3",
        at,
        id.map(TokenId::as_uuid),
        limit,
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(Token::try_from)
    .collect()
}

/// Notes a use, to the minute: a busy token would otherwise write on every request.
pub async fn touch(db: &mut PgConnection, id: TokenId, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "update tokens set last_used_at = $2 where id = $1 and (last_used_at is null or last_used_at < $2::timestamptz - interval '1 minute')",
        id.as_uuid(),
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}
