//! API tokens. Only their hashes are stored.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Result, error};
use crate::domain::ids::{TenantId, TokenId};
use crate::domain::token::{EXPIRES_SOON, Token, TokenHash};

pub(crate) async fn insert(db: &mut PgConnection, token: &Token, hash: &TokenHash) -> Result<()> {
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

/// A row of `tokens`.
pub(super) struct TokenRow {
    pub id: Uuid,
    pub name: String,
    pub role: String,
    pub created_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
    pub last_used_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
    pub tenants: Option<Vec<Uuid>>,
}

/// A query that returns tokens.
macro_rules! query_tokens {
    ($before:literal, $after:literal, $($argument:expr),+ $(,)?) => {
        sqlx::query_as!(
            TokenRow,
            $before + " id, name, role, created_at, expires_at, last_used_at, revoked_at, tenants " + $after,
            $($argument),+
        )
    };
}

/// The token in the row of a query that has more columns than these.
macro_rules! token_row {
    ($row:ident) => {
        $crate::store::tokens::TokenRow {
            id: $row.id,
            name: $row.name,
            role: $row.role,
            created_at: $row.created_at,
            expires_at: $row.expires_at,
            last_used_at: $row.last_used_at,
            revoked_at: $row.revoked_at,
            tenants: $row.tenants,
        }
    };
}
pub(super) use token_row;

impl TryFrom<TokenRow> for Token {
    type Error = error::StoreError;

    fn try_from(row: TokenRow) -> Result<Self> {
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

/// The token with this hash, if it is valid at this time.
pub(crate) async fn find_valid(db: &mut PgConnection, hash: &TokenHash, now: DateTime<Utc>) -> Result<Option<Token>> {
    query_tokens!(
        "select",
        "from tokens where hash = $1 and revoked_at is null and (expires_at is null or expires_at > $2)",
        hash.as_bytes(),
        now,
    )
    .fetch_optional(db)
    .await?
    .map(Token::try_from)
    .transpose()
}

/// All tokens that are valid at this time. Invalid rows are skipped, so those tokens are rejected.
pub(crate) async fn valid(db: &mut PgConnection, now: DateTime<Utc>) -> Result<Vec<(TokenHash, Token)>> {
    let rows = sqlx::query!(
        "select id, name, role, hash, created_at, expires_at, last_used_at, revoked_at, tenants from tokens
         where revoked_at is null and (expires_at is null or expires_at > $1)",
        now,
    )
    .fetch_all(db)
    .await?;
    let read = |(hash, row): (Vec<u8>, TokenRow)| {
        let hash = TokenHash::read(&hash)?;
        Token::try_from(row).ok().map(|token| (hash, token))
    };
    let rows = rows.into_iter().map(|row| {
        let token = token_row!(row);
        (row.hash, token)
    });
    Ok(rows.filter_map(read).collect())
}

/// Records the last use of several tokens.
pub(crate) async fn touch_all(db: &mut PgConnection, used: &[(TokenId, DateTime<Utc>)]) -> Result<()> {
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

pub(crate) async fn find(db: &mut PgConnection, id: TokenId) -> Result<Option<Token>> {
    query_tokens!("select", "from tokens where id = $1", id.as_uuid())
        .fetch_optional(db)
        .await?
        .map(Token::try_from)
        .transpose()
}

/// Locks and returns a token.
pub(crate) async fn lock(db: &mut PgConnection, id: TokenId) -> Result<Option<Token>> {
    query_tokens!("select", "from tokens where id = $1 for update", id.as_uuid())
        .fetch_optional(db)
        .await?
        .map(Token::try_from)
        .transpose()
}

/// Locks and returns the tokens that are limited to this tenant, among others, and not revoked.
pub(crate) async fn lock_of_tenant(db: &mut PgConnection, tenant: TenantId) -> Result<Vec<Token>> {
    query_tokens!(
        "select",
        "from tokens where revoked_at is null and $1 = any(tenants) order by id for update",
        tenant.as_uuid(),
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(Token::try_from)
    .collect()
}

/// Removes a tenant from a token. A token that is limited to this tenant alone is revoked.
pub(crate) async fn remove_tenant(db: &mut PgConnection, id: TokenId, tenant: TenantId, now: DateTime<Utc>) -> Result<Token> {
    query_tokens!(
        "update tokens set
             revoked_at = case when tenants <@ array[$2::uuid] then $3 else revoked_at end,
             tenants = case when tenants <@ array[$2::uuid] then tenants else array_remove(tenants, $2) end
             where id = $1 returning",
        "",
        id.as_uuid(),
        tenant.as_uuid(),
        now,
    )
    .fetch_one(db)
    .await?
    .try_into()
}

pub(crate) async fn revoke(db: &mut PgConnection, id: TokenId, now: DateTime<Utc>) -> Result<Token> {
    query_tokens!("update tokens set revoked_at = $2 where id = $1 returning", "", id.as_uuid(), now)
        .fetch_one(db)
        .await?
        .try_into()
}

/// A page of tokens, including expired and revoked ones, newest first.
pub(crate) async fn list(db: &mut PgConnection, after: Option<(DateTime<Utc>, TokenId)>, limit: i64) -> Result<Vec<Token>> {
    let (at, id) = after.unzip();
    query_tokens!(
        "select",
        "from tokens
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

/// Records a use, at most once a minute: otherwise, a busy token would write on every request.
pub(crate) async fn touch(db: &mut PgConnection, id: TokenId, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "update tokens set last_used_at = $2 where id = $1 and (last_used_at is null or last_used_at < $2::timestamptz - interval '1 minute')",
        id.as_uuid(),
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The tokens that are expiring at this time, the first to expire first: see [`Token::is_expiring`].
pub(crate) async fn expiring(db: &mut PgConnection, now: DateTime<Utc>) -> Result<Vec<Token>> {
    let rows = query_tokens!(
        "select",
        "from tokens where revoked_at is null and expires_at > $1 and expires_at <= $2 order by expires_at, id",
        now,
        now + EXPIRES_SOON,
    );
    let tokens: Vec<Token> = rows.fetch_all(db).await?.into_iter().map(Token::try_from).collect::<Result<_>>()?;
    Ok(tokens.into_iter().filter(|token| token.is_expiring(now)).collect())
}
