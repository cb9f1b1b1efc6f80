//! The hash chain over the audit log. A trigger computes it at the commit.

use std::fmt::{self, Display};
use std::str::FromStr;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::Result;
use crate::domain::ids::TenantId;

/// How many entries are checked per query.
const PAGE: i64 = 1000;
/// How many faults are listed. Further ones are counted.
const MOST_FAULTS: usize = 100;

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

/// Why the log cannot be trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BrokenChain {
    #[error("the entry at position {0} is missing")]
    Missing(i64),
    #[error("the entries at positions {0} to {1} are missing")]
    MissingRange(i64, i64),
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
         ) and not exists (
             select from audit_dropped_ends d where d.tenant_id = t.id and d.action = 'tenant.erased'
         ) order by id"
    );
    Ok(tenants.fetch_all(db).await?.into_iter().map(Into::into).collect())
}

impl BrokenChain {
    fn missing(first: i64, last: i64) -> Self {
        if first == last {
            Self::Missing(first)
        } else {
            Self::MissingRange(first, last)
        }
    }
}

/// What is wrong with the log.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    /// The first of them, in the order of the log.
    pub(crate) listed: Vec<BrokenChain>,
    pub(crate) unlisted: usize,
}

impl Faults {
    fn add(&mut self, fault: BrokenChain) {
        if self.listed.len() < MOST_FAULTS {
            self.listed.push(fault);
        } else {
            self.unlisted += 1;
        }
    }
}

/// The last entry that was dropped because of the retention. The log begins after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AuditAnchor {
    pub(crate) head: AuditHead,
    pub(crate) at: DateTime<Utc>,
}

/// None if nothing was dropped.
pub(crate) async fn anchor(db: &mut PgConnection) -> Result<Option<AuditAnchor>> {
    let row = sqlx::query!(r#"select position, encode(hash, 'hex') as "hash!", at from audit_anchor"#);
    Ok(row.fetch_optional(db).await?.map(|row| AuditAnchor {
        head: AuditHead {
            position: row.position,
            hash: row.hash,
        },
        at: row.at,
    }))
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

/// Checks every entry, from the first that was not dropped to the last, and goes on after a fault: one that is harmless must not hide another. The transaction
/// must be repeatable read, so that new entries do not matter. Returns the head, or none for an empty log.
pub(crate) async fn verify(db: &mut PgConnection, kept: Option<&AuditHead>) -> Result<std::result::Result<Option<AuditHead>, Faults>> {
    let mut faults = Faults::default();
    // The hash is as it is in the database, even if it is wrong: the entry after a changed one is checked against it.
    let (mut last, mut last_hash) = anchor(db)
        .await?
        .map_or((0, None), |anchor| (anchor.head.position, Some(anchor.head.hash)));
    let (begin, mut seen) = (last, 0);
    if kept.is_some_and(|kept| kept.position == begin && Some(&kept.hash) != last_hash.as_ref()) {
        faults.add(BrokenChain::OtherHead(begin));
    }
    loop {
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
            last_hash,
        )
        .fetch_all(&mut *db)
        .await?;
        if rows.is_empty() {
            break;
        }
        for row in rows {
            let position = row.position;
            seen += 1;
            // What the entry after a missing one should continue is unknown, so it is not called changed.
            if position > last + 1 {
                faults.add(BrokenChain::missing(last + 1, position - 1));
            } else if row.hash.is_none() || !row.is_intact {
                faults.add(BrokenChain::Changed(position));
            }
            if kept.is_some_and(|kept| kept.position == position && Some(&kept.hash) != row.hash.as_ref()) {
                faults.add(BrokenChain::OtherHead(position));
            }
            (last, last_hash) = (position, row.hash);
        }
    }
    let log = sqlx::query!(
        r#"select audit_events, exists (select from audit_events e where e.position is null) as "has_entry_without_position!",
                  (select count(*) from audit_events e where e.position is not null) as "entries!"
           from change_counters"#
    )
    .fetch_one(&mut *db)
    .await?;
    if log.has_entry_without_position {
        faults.add(BrokenChain::WithoutPosition);
    }
    // Of several entries with one position, or one that was dropped, only the trigger's was seen.
    if log.entries != seen {
        let surplus = sqlx::query_scalar!(
            r#"select position as "position!" from audit_events where position is not null
               group by position having count(*) > 1 or position <= $1 order by position"#,
            begin
        );
        for position in surplus.fetch_all(&mut *db).await? {
            faults.add(BrokenChain::Changed(position));
        }
    }
    // The counter has the number of entries that were ever written; the kept head is outside of the database.
    let written = log.audit_events.max(kept.map_or(0, |kept| kept.position));
    if last < written {
        faults.add(BrokenChain::missing(last + 1, written));
    }
    if faults.listed.is_empty() {
        Ok(Ok(last_hash.map(|hash| AuditHead { position: last, hash })))
    } else {
        Ok(Err(faults))
    }
}
