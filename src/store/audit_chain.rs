//! The hash chain over the audit log. A trigger computes it at the commit.

use std::fmt::{self, Display};
use std::str::FromStr;

use sqlx::PgConnection;

use super::Result;
use crate::domain::ids::TenantId;

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
        let fault = "expected <position>:<hash>, as printed by `latchkey audit verify`";
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
    #[error("the entry at position {0} does not match the saved head: the log was rewritten")]
    OtherHead(i64),
}

/// The tenants whose personal data was erased without an entry. The service's database role can do this, by calling the function that
/// erases.
pub(crate) async fn unrecorded_erasures(db: &mut PgConnection) -> Result<Vec<TenantId>> {
    let tenants = sqlx::query_scalar!(
        "select id from tenants t where erased_at is not null and not exists (
             select from audit_events e where e.tenant_id = t.id and e.action = 'tenant.erased'
         ) order by id"
    );
    Ok(tenants.fetch_all(db).await?.into_iter().map(Into::into).collect())
}

/// The newest entry, or none for an empty log.
pub(crate) async fn head(db: &mut PgConnection) -> Result<Option<AuditHead>> {
    let newest = sqlx::query_as!(
        AuditHead,
        r#"select position as "position!", encode(hash, 'hex') as "hash!"
           from audit_events where position is not null order by position desc limit 1"#
    );
    Ok(newest.fetch_optional(db).await?)
}

/// Checks every entry, from the first to the last. The transaction must be repeatable read, so that new entries do not matter.
/// Returns the head, or none for an empty log.
pub(crate) async fn verify(db: &mut PgConnection, kept: Option<&AuditHead>) -> Result<std::result::Result<Option<AuditHead>, BrokenChain>> {
    let mut head: Option<AuditHead> = None;
    loop {
        let last = head.as_ref().map_or(0, |head| head.position);
        // An entry without a salt must be erased, and of an erased tenant.
        let rows = sqlx::query!(
            r#"select e.position as "position!", encode(e.hash, 'hex') as hash,
                   e.hash is not distinct from audit_hash(e, lag(e.hash, 1, decode($3, 'hex')) over (order by e.position))
                   and case when e.personal_salt is not null then e.personal_hash is not distinct from audit_personal_hash(e)
                       else exists (select from tenants t where t.id = e.tenant_id and t.erased_at is not null)
                           and e.actor is not distinct from without_personal_data(e.actor)
                           and e.before is not distinct from without_personal_data(e.before)
                           and e.after is not distinct from without_personal_data(e.after)
                           and e.detail is not distinct from without_personal_data(e.detail)
                           and coalesce(e.address, 'erased') = 'erased'
                       end as "is_intact!"
               from (select id from audit_events where position > $1 order by position limit $2) page
               join audit_events e on e.id = page.id order by e.position"#,
            last,
            PAGE,
            head.as_ref().map(|head| head.hash.as_str()),
        )
        .fetch_all(&mut *db)
        .await?;
        if rows.is_empty() {
            break;
        }
        for row in rows {
            let position = row.position;
            let expected = head.as_ref().map_or(1, |head| head.position + 1);
            if position != expected {
                return Ok(Err(BrokenChain::Missing(expected)));
            }
            let Some(hash) = row.hash.filter(|_| row.is_intact) else {
                return Ok(Err(BrokenChain::Changed(position)));
            };
            if kept.is_some_and(|kept| kept.position == position && kept.hash != hash) {
                return Ok(Err(BrokenChain::OtherHead(position)));
            }
            head = Some(AuditHead { position, hash });
        }
    }
    let last = head.as_ref().map_or(0, |head| head.position);
    let log = sqlx::query!(
        r#"select audit_events, exists (select from audit_events e where e.position is null) as "has_entry_without_position!"
           from change_counters"#
    )
    .fetch_one(&mut *db)
    .await?;
    if log.has_entry_without_position {
        return Ok(Err(BrokenChain::WithoutPosition));
    }
    // The counter has the number of entries that were ever written; the kept head is outside of the database.
    if last < log.audit_events.max(kept.map_or(0, |kept| kept.position)) {
        return Ok(Err(BrokenChain::Missing(last + 1)));
    }
    Ok(Ok(head))
}
