//! Browsers that opened an invite, and API tokens that belong to it.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::error::column;
use super::{Result, StoreError};
use crate::domain::ids::{InviteId, InviteSessionId};
use crate::domain::invite::{InviteSessionKind, OpenedInvite};
use crate::domain::token::TokenHash;

const TABLE: &str = "invite_sessions";

/// How many sessions of an invite are kept.
fn kept(kind: InviteSessionKind) -> i64 {
    match kind {
        // Mail scanners open links, too.
        InviteSessionKind::Browser => 100,
        InviteSessionKind::ApiToken => 20,
    }
}

/// A row of `invite_sessions`.
struct SessionRow {
    id: Uuid,
    invite_id: Uuid,
    kind: String,
    address: Option<String>,
    created_at: DateTime<Utc>,
    last_used_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
}

impl TryFrom<SessionRow> for OpenedInvite {
    type Error = StoreError;

    fn try_from(row: SessionRow) -> Result<Self> {
        Ok(Self {
            id: row.id.into(),
            invite_id: row.invite_id.into(),
            kind: column(TABLE, row.id, &row.kind)?,
            address: row.address,
            created_at: row.created_at,
            last_used_at: row.last_used_at,
            ended_at: row.ended_at,
        })
    }
}

/// Adds a session. Beyond the maximum, sessions of the same kind are removed: first those that were ended, then those that were never used, then
/// those that were not used for the longest time. The caller must have locked the invite.
pub(crate) async fn insert(db: &mut PgConnection, session: &OpenedInvite, hash: &TokenHash) -> Result<()> {
    let kind: &str = session.kind.into();
    sqlx::query!(
        "delete from invite_sessions where id in (
             select id from invite_sessions where invite_id = $1 and kind = $2
             order by (ended_at is null) desc, (last_used_at > created_at) desc, last_used_at desc, id desc offset $3
         )",
        session.invite_id.as_uuid(),
        kind,
        kept(session.kind) - 1,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "insert into invite_sessions (id, invite_id, kind, hash, address, created_at, last_used_at) values ($1, $2, $3, $4, $5, $6, $6)",
        session.id.as_uuid(),
        session.invite_id.as_uuid(),
        kind,
        hash.as_bytes(),
        session.address,
        session.created_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The session of this kind with this hash, even if it was ended.
pub(crate) async fn find(db: &mut PgConnection, kind: InviteSessionKind, hash: &TokenHash) -> Result<Option<OpenedInvite>> {
    let kind: &str = kind.into();
    let row = sqlx::query_as!(
        SessionRow,
        "select id, invite_id, kind, address, created_at, last_used_at, ended_at from invite_sessions where hash = $1 and kind = $2",
        hash.as_bytes(),
        kind,
    )
    .fetch_optional(db)
    .await?;
    row.map(OpenedInvite::try_from).transpose()
}

/// The sessions of an invite, the last used first.
pub(crate) async fn of_invite(db: &mut PgConnection, invite: InviteId) -> Result<Vec<OpenedInvite>> {
    let rows = sqlx::query_as!(
        SessionRow,
        "select id, invite_id, kind, address, created_at, last_used_at, ended_at from invite_sessions
         where invite_id = $1 order by last_used_at desc, id desc",
        invite.as_uuid(),
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(OpenedInvite::try_from).collect()
}

/// Ends a session of this invite. None if there is no such session; false if it was ended before.
pub(crate) async fn end(db: &mut PgConnection, invite: InviteId, id: InviteSessionId, now: DateTime<Utc>) -> Result<Option<bool>> {
    let ended = sqlx::query_scalar!(
        r#"with found as (select id, ended_at from invite_sessions where id = $1 and invite_id = $2 for update)
           , ended as (update invite_sessions s set ended_at = $3 from found where s.id = found.id and found.ended_at is null)
           select ended_at is null as "is_new!" from found"#,
        id.as_uuid(),
        invite.as_uuid(),
        now,
    )
    .fetch_optional(db)
    .await?;
    Ok(ended)
}

/// Records a visit, at most once a minute: a page that shows a verification polls.
pub(crate) async fn touch(db: &mut PgConnection, id: InviteSessionId, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "update invite_sessions set last_used_at = $2 where id = $1 and (last_used_at = created_at or last_used_at < $2::timestamptz - interval '1 minute')",
        id.as_uuid(),
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}
