//! API tokens. Only their hashes are here.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

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

/// The token of this hash, if it is still good at that time.
pub async fn find_valid(db: &mut PgConnection, hash: &TokenHash, now: DateTime<Utc>) -> Result<Option<Token>> {
    let row = sqlx::query!(
        "select id, name, role, created_at, expires_at from tokens
         where hash = $1 and revoked_at is null and (expires_at is null or expires_at > $2)",
        hash.as_bytes(),
        now,
    )
    .fetch_optional(db)
    .await?;
    row.map(|row| {
        Ok(Token {
            id: row.id.into(),
            role: error::column("tokens", row.id, &row.role)?,
            name: row.name,
            created_at: row.created_at,
            expires_at: row.expires_at,
        })
    })
    .transpose()
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
