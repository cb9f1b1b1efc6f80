//! API tokens. Only their hashes are here.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Result, error};
use crate::domain::ids::TokenId;
use crate::domain::token::{Token, TokenHash};

pub async fn insert(db: &mut PgConnection, token: &Token, hash: &TokenHash) -> Result<()> {
    let role: &str = token.role.into();
    sqlx::query!(
        "insert into tokens (id, name, role, hash, created_at, expires_at) values ($1, $2, $3, $4, $5, $6)",
        token.id.as_uuid(),
        token.name,
        role,
        hash.as_bytes(),
        token.created_at,
        token.expires_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

struct Row {
    id: Uuid,
    name: String,
    role: String,
    created_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
    last_used_at: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
}

impl TryFrom<Row> for Token {
    type Error = error::Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: row.id.into(),
            role: error::column("tokens", row.id, &row.role)?,
            name: row.name,
            created_at: row.created_at,
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
            revoked_at: row.revoked_at,
        })
    }
}

/// The token of this hash, if it is still good at that time.
pub async fn find_valid(db: &mut PgConnection, hash: &TokenHash, now: DateTime<Utc>) -> Result<Option<Token>> {
    sqlx::query_as!(
        Row,
        "select id, name, role, created_at, expires_at, last_used_at, revoked_at from tokens
         where hash = $1 and revoked_at is null and (expires_at is null or expires_at > $2)",
        hash.as_bytes(),
        now,
    )
    .fetch_optional(db)
    .await?
    .map(Token::try_from)
    .transpose()
}

/// A page of tokens, ended ones too, newest first, after the one given.
pub async fn list(db: &mut PgConnection, after: Option<(DateTime<Utc>, TokenId)>, limit: i64) -> Result<Vec<Token>> {
    let (at, id) = after.unzip();
    sqlx::query_as!(
        Row,
        "select id, name, role, created_at, expires_at, last_used_at, revoked_at from tokens
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

/// Revokes a token. None when there is none of this id; whether it was revoked just now otherwise.
pub async fn revoke(db: &mut PgConnection, id: TokenId, now: DateTime<Utc>) -> Result<Option<bool>> {
    let row = sqlx::query!(
        r#"with before as (select id, revoked_at from tokens where id = $1 for update)
           update tokens t set revoked_at = coalesce(t.revoked_at, $2) from before where t.id = before.id
           returning before.revoked_at is null as "now!""#,
        id.as_uuid(),
        now,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| row.now))
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
