//! Sessions of the dashboard. Only their hashes are stored.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::Result;
use super::tokens::token_row;
use crate::domain::ids::{SessionId, TokenId};
use crate::domain::token::{Token, TokenHash};

/// A new session.
#[derive(Debug, Clone)]
pub(crate) struct NewSession {
    pub id: SessionId,
    pub token: TokenId,
    pub hash: TokenHash,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

pub(crate) async fn insert(db: &mut PgConnection, new: &NewSession) -> Result<()> {
    sqlx::query!(
        "insert into sessions (id, token_id, hash, created_at, last_used_at, expires_at) values ($1, $2, $3, $4, $4, $5)",
        new.id.as_uuid(),
        new.token.as_uuid(),
        new.hash.as_bytes(),
        new.created_at,
        new.expires_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The session with this hash and its token, if both are valid and the session was used since `used_since`.
pub(crate) async fn find_valid(
    db: &mut PgConnection,
    hash: &TokenHash,
    now: DateTime<Utc>,
    used_since: DateTime<Utc>,
) -> Result<Option<(SessionId, Token)>> {
    let Some(row) = sqlx::query!(
        "select s.id as session_id, t.id, t.name, t.role, t.created_at, t.expires_at, t.last_used_at, t.revoked_at, t.tenants
         from sessions s join tokens t on t.id = s.token_id
         where s.hash = $1 and s.expires_at > $2 and s.last_used_at > $3
             and t.revoked_at is null and (t.expires_at is null or t.expires_at > $2)",
        hash.as_bytes(),
        now,
        used_since,
    )
    .fetch_optional(db)
    .await?
    else {
        return Ok(None);
    };
    let token = token_row!(row);
    Ok(Some((row.session_id.into(), token.try_into()?)))
}

/// Records a use, at most once a minute: a page that shows a verification polls.
pub(crate) async fn touch(db: &mut PgConnection, id: SessionId, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "update sessions set last_used_at = $2 where id = $1 and last_used_at < $2::timestamptz - interval '1 minute'",
        id.as_uuid(),
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes a session. False if it did not exist.
pub(crate) async fn delete(db: &mut PgConnection, id: SessionId) -> Result<bool> {
    let deleted = sqlx::query!("delete from sessions where id = $1", id.as_uuid()).execute(db).await?;
    Ok(deleted.rows_affected() > 0)
}

/// Deletes expired sessions.
pub(crate) async fn sweep(db: &mut PgConnection, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!("delete from sessions where expires_at <= $1", now).execute(db).await?;
    Ok(())
}
