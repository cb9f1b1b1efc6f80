//! The hash chain over the audit log. A trigger computes it at the commit.

use std::fmt::{self, Display};
use std::str::FromStr;

use sqlx::PgConnection;

use super::Result;

/// How many entries are checked per query.
const PAGE: i64 = 1000;

/// The position and the hash of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AuditHead {
    pub position: i64,
    /// In hexadecimal.
    pub hash: String,
}

impl Display for AuditHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.position, self.hash)
    }
}

impl FromStr for AuditHead {
    type Err = &'static str;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        let fault = "expected <position>:<hash>, as `latchkey audit verify` prints it";
        let (position, hash) = text.split_once(':').ok_or(fault)?;
        let position = position.parse().ok().filter(|position| *position > 0).ok_or(fault)?;
        if hash.len() != 64 || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(fault);
        }
        Ok(Self {
            position,
            hash: hash.to_ascii_lowercase(),
        })
    }
}

/// Why the log cannot be trusted. Names the first entry that is wrong.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BrokenChain {
    #[error("the entry at position {0} is missing")]
    Missing(i64),
    #[error("the entry at position {0} was changed, inserted or moved")]
    Changed(i64),
    #[error("an entry has no position: it was inserted without the trigger that assigns one")]
    WithoutPosition,
    #[error("the entry at position {0} does not have the hash of the kept head: the log was rewritten")]
    OtherHead(i64),
}

/// The newest entry, or none for an empty log.
pub(crate) async fn head(db: &mut PgConnection) -> Result<Option<AuditHead>> {
    let newest = "select position, encode(hash, 'hex') from audit_events where position is not null order by position desc limit 1";
    let newest = sqlx::query_as::<_, (i64, String)>(newest).fetch_optional(db).await?;
    Ok(newest.map(|(position, hash)| AuditHead { position, hash }))
}

/// Checks every entry, from the first to the last. The transaction must be repeatable read, so that new entries do not matter.
/// Returns the head, or none for an empty log.
pub(crate) async fn verify(db: &mut PgConnection, kept: Option<&AuditHead>) -> Result<std::result::Result<Option<AuditHead>, BrokenChain>> {
    // An entry without a salt must be erased, and of an erased tenant.
    let page = "select e.position, encode(e.hash, 'hex'),
            e.hash is not distinct from audit_hash(e, lag(e.hash, 1, decode($3, 'hex')) over (order by e.position))
            and case when e.personal_salt is not null then e.personal_hash is not distinct from audit_personal_hash(e)
                else exists (select from tenants t where t.id = e.tenant_id and t.erased_at is not null)
                    and e.actor is not distinct from without_personal_data(e.actor)
                    and e.before is not distinct from without_personal_data(e.before)
                    and e.after is not distinct from without_personal_data(e.after)
                    and e.detail is not distinct from without_personal_data(e.detail)
                    and coalesce(e.address, 'erased') = 'erased'
                end
        from (select * from audit_events where position > $1 order by position limit $2) page
        join audit_events e on e.id = page.id order by e.position";
    let mut head: Option<AuditHead> = None;
    loop {
        let last = head.as_ref().map_or(0, |head| head.position);
        let rows = sqlx::query_as::<_, (i64, Option<String>, bool)>(page)
            .bind(last)
            .bind(PAGE)
            .bind(head.as_ref().map(|head| head.hash.as_str()))
            .fetch_all(&mut *db)
            .await?;
        if rows.is_empty() {
            break;
        }
        for (position, hash, is_intact) in rows {
            let expected = head.as_ref().map_or(1, |head| head.position + 1);
            if position != expected {
                return Ok(Err(BrokenChain::Missing(expected)));
            }
            let Some(hash) = hash.filter(|_| is_intact) else {
                return Ok(Err(BrokenChain::Changed(position)));
            };
            if kept.is_some_and(|kept| kept.position == position && kept.hash != hash) {
                return Ok(Err(BrokenChain::OtherHead(position)));
            }
            head = Some(AuditHead { position, hash });
        }
    }
    let last = head.as_ref().map_or(0, |head| head.position);
    let (counted, without_position) = sqlx::query_as::<_, (i64, bool)>(
        "select audit_events, exists (select from audit_events e where e.position is null) from change_counters",
    )
    .fetch_one(&mut *db)
    .await?;
    if without_position {
        return Ok(Err(BrokenChain::WithoutPosition));
    }
    // The counter has the number of entries that were ever written; the kept head is outside of the database.
    if last < counted.max(kept.map_or(0, |kept| kept.position)) {
        return Ok(Err(BrokenChain::Missing(last + 1)));
    }
    Ok(Ok(head))
}
