//! Tenants, with the facts that their status is derived from.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::error::{StoreError, column};
use super::{Result, idempotency};
use crate::domain::check::CheckName;
use crate::domain::external_id::ExternalId;
use crate::domain::ids::{Slug, TenantId, TenantRef};
use crate::domain::tenant::{ActiveFacts, Quarantine, Rotation, Tenant, TenantFacts, TenantStatus};

const TABLE: &str = "tenants";

/// A row of `tenant_overview`.
#[derive(sqlx::FromRow)]
pub(super) struct TenantRow {
    pub id: Uuid,
    pub slug: String,
    pub name: String,
    pub reference: Option<String>,
    pub modes: Vec<String>,
    pub external_id: String,
    pub next_external_id: Option<String>,
    pub previous_external_id: Option<String>,
    pub previous_retired_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub erased_at: Option<DateTime<Utc>>,
    pub suspended_at: Option<DateTime<Utc>>,
    pub offboarded_at: Option<DateTime<Utc>>,
    pub status_since: DateTime<Utc>,
    pub failing_checks: Vec<String>,
    pub active_version: Option<i32>,
    pub first_rejection: Option<DateTime<Utc>>,
    pub last_rejection: Option<DateTime<Utc>>,
    pub first_breach: Option<DateTime<Utc>>,
    pub last_breach: Option<DateTime<Utc>>,
    pub newest_state: Option<String>,
    pub newest_verdict: Option<String>,
}

/// Selects tenants from `tenant_overview t`. It says which columns are not null, because sqlx cannot tell for a view.
macro_rules! overview {
    ($rest:literal, $($argument:expr),+ $(,)?) => {
        sqlx::query_as!(
            $crate::store::tenants::TenantRow,
            r#"select t.id as "id!", t.slug as "slug!", t.name as "name!", t.reference, t.modes as "modes!", t.external_id as "external_id!",
                      t.next_external_id, t.previous_external_id, t.previous_retired_at, t.created_at as "created_at!", t.suspended_at,
                      t.offboarded_at, t.erased_at, t.status_since as "status_since!", t.failing_checks as "failing_checks!",
                      t.active_version, t.first_rejection, t.last_rejection, t.first_breach, t.last_breach, t.newest_state, t.newest_verdict
               from tenant_overview t "# + $rest,
            $($argument),+
        )
    };
}
pub(super) use overview;

impl TryFrom<TenantRow> for Tenant {
    type Error = StoreError;

    fn try_from(row: TenantRow) -> Result<Self> {
        let id = row.id;
        let newest = match row.newest_state {
            Some(state) => {
                let verdict = row.newest_verdict.map(|verdict| column(TABLE, id, &verdict)).transpose()?;
                Some((column(TABLE, id, &state)?, verdict))
            }
            None => None,
        };
        Ok(Self {
            id: id.into(),
            slug: column(TABLE, id, &row.slug)?,
            name: column(TABLE, id, &row.name)?,
            reference: row.reference,
            modes: row.modes.iter().map(|mode| column(TABLE, id, mode)).collect::<Result<_>>()?,
            external_id: column(TABLE, id, &row.external_id)?,
            rotation: rotation(
                id,
                row.next_external_id.as_deref(),
                row.previous_external_id.as_deref(),
                row.previous_retired_at,
            )?,
            created_at: row.created_at,
            erased_at: row.erased_at,
            status_since: row.status_since,
            failing_checks: row
                .failing_checks
                .iter()
                .map(|check| column(TABLE, id, check))
                .collect::<Result<_>>()?,
            facts: TenantFacts {
                offboarded_at: row.offboarded_at,
                suspended_at: row.suspended_at,
                active: row.active_version.map(|version| ActiveFacts {
                    version,
                    rejections: row.first_rejection.zip(row.last_rejection),
                    breaches: row.first_breach.zip(row.last_breach),
                }),
                newest,
            },
        })
    }
}

/// The rotation that these columns of a tenant describe.
pub(super) fn rotation(
    id: Uuid,
    next: Option<&str>,
    previous: Option<&str>,
    previous_retired_at: Option<DateTime<Utc>>,
) -> Result<Option<Rotation>> {
    Ok(match (next, previous, previous_retired_at) {
        (Some(next), _, _) => Some(Rotation::Issued {
            next: column(TABLE, id, next)?,
        }),
        (None, Some(previous), None) => Some(Rotation::Overlap {
            previous: column(TABLE, id, previous)?,
        }),
        (None, Some(previous), Some(_)) => Some(Rotation::Ending {
            previous: column(TABLE, id, previous)?,
        }),
        (None, None, _) => None,
    })
}

/// Inserts a new tenant.
///
/// # Errors
/// `Constraint::TenantsSlugKey` when another tenant has the slug.
pub async fn insert(db: &mut PgConnection, tenant: &Tenant) -> Result<()> {
    let modes: Vec<String> = tenant.modes.iter().map(ToString::to_string).collect();
    sqlx::query!(
        "insert into tenants (id, slug, name, reference, modes, external_id, created_at, status_since) values ($1, $2, $3, $4, $5, $6, $7, $7)",
        tenant.id.as_uuid(),
        tenant.slug.as_str(),
        tenant.name.as_str(),
        tenant.reference,
        &modes,
        tenant.external_id.as_str(),
        tenant.created_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Locks a tenant until the transaction ends, and then reads it.
///
/// The read is a statement of its own: under READ COMMITTED, the statement that waited for the lock may still return what
/// was there before the wait. A slug can also pass to another tenant during the wait; then that tenant is locked.
pub async fn find_locked(db: &mut PgConnection, tenant: &TenantRef) -> Result<Option<Tenant>> {
    let mut found = find(db, tenant).await?;
    while let Some(unlocked) = found {
        sqlx::query!("select id from tenants where id = $1 for update", unlocked.id.as_uuid())
            .fetch_one(&mut *db)
            .await?;
        found = find(db, tenant).await?;
        if found.as_ref().is_some_and(|locked| locked.id == unlocked.id) {
            break;
        }
    }
    Ok(found)
}

/// Updates the external ID and its rotation.
pub async fn set_external_ids(
    db: &mut PgConnection,
    id: TenantId,
    in_use: &ExternalId,
    rotation: Option<&Rotation>,
    now: DateTime<Utc>,
) -> Result<()> {
    let (next, previous, ended) = match rotation {
        None => (None, None, None),
        Some(Rotation::Issued { next }) => (Some(next), None, None),
        Some(Rotation::Overlap { previous }) => (None, Some(previous), None),
        Some(Rotation::Ending { previous }) => (None, Some(previous), Some(now)),
    };
    sqlx::query!(
        "update tenants set external_id = $2, next_external_id = $3, previous_external_id = $4, previous_retired_at = $5 where id = $1",
        id.as_uuid(),
        in_use.as_str(),
        next.map(ExternalId::as_str),
        previous.map(ExternalId::as_str),
        ended,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Updates name, reference and modes.
pub async fn update(db: &mut PgConnection, tenant: &Tenant) -> Result<()> {
    let modes: Vec<String> = tenant.modes.iter().map(ToString::to_string).collect();
    sqlx::query!(
        "update tenants set name = $2, reference = $3, modes = $4 where id = $1",
        tenant.id.as_uuid(),
        tenant.name.as_str(),
        tenant.reference,
        &modes,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Suspends or resumes a tenant.
pub async fn set_suspended(db: &mut PgConnection, id: TenantId, since: Option<DateTime<Utc>>) -> Result<()> {
    sqlx::query!("update tenants set suspended_at = $2 where id = $1", id.as_uuid(), since)
        .execute(db)
        .await?;
    Ok(())
}

/// AWS sessions that were made before this time are no longer handed out.
pub async fn revoke_sessions(db: &mut PgConnection, id: TenantId, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!("update tenants set sessions_revoked_at = $2 where id = $1", id.as_uuid(), now)
        .execute(db)
        .await?;
    Ok(())
}

/// When the tenant's AWS sessions were last revoked.
pub(crate) async fn sessions_revoked_at(db: &mut PgConnection, id: TenantId) -> Result<Option<DateTime<Utc>>> {
    let revoked_at = sqlx::query_scalar!("select sessions_revoked_at from tenants where id = $1", id.as_uuid());
    Ok(revoked_at.fetch_optional(db).await?.flatten())
}

/// Offboards a tenant, and releases its slug.
pub async fn set_offboarded(db: &mut PgConnection, id: TenantId, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        "with offboarded as (update tenants set offboarded_at = $2 where id = $1 returning slug)
         insert into released_slugs (hash, released_at) select sha256(convert_to(slug, 'UTF8')), $2 from offboarded
         on conflict (hash) do update set released_at = excluded.released_at",
        id.as_uuid(),
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// When the last tenant with this slug was offboarded.
pub(crate) async fn slug_released_at(db: &mut PgConnection, slug: &Slug) -> Result<Option<DateTime<Utc>>> {
    let released = sqlx::query_scalar!(
        "select released_at from released_slugs where hash = sha256(convert_to($1, 'UTF8'))",
        slug.as_str()
    );
    Ok(released.fetch_optional(db).await?)
}

/// Forgets the slugs that were released before this time.
pub(crate) async fn forget_released_slugs(db: &mut PgConnection, before: DateTime<Utc>) -> Result<()> {
    sqlx::query!("delete from released_slugs where released_at <= $1", before)
        .execute(db)
        .await?;
    Ok(())
}

/// Erases the personal data of an offboarded tenant, also in the audit log, in webhook messages and in stored responses.
pub async fn erase(db: &mut PgConnection, id: TenantId, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!("select erase_tenant($1, $2)", id.as_uuid(), now)
        .execute(&mut *db)
        .await?;
    idempotency::erase(db, id).await
}

/// The tenant with this ID, or the one that has this slug. Among offboarded tenants with the same slug, the last one.
pub async fn find(db: &mut PgConnection, tenant: &TenantRef) -> Result<Option<Tenant>> {
    let (id, slug) = match tenant {
        TenantRef::Id(id) => (Some(id.as_uuid()), None),
        TenantRef::Slug(slug) => (None, Some(slug.as_str())),
    };
    let found = overview!(
        "where t.id = $1 or t.slug = $2 order by t.offboarded_at desc nulls first limit 1",
        id,
        slug
    );
    found.fetch_optional(db).await?.map(Tenant::try_from).transpose()
}

/// The quarantine of the tenant's active version, which also exists while the tenant is suspended: the first two of its breaches since it
/// was last verified.
pub(crate) async fn quarantine(db: &mut PgConnection, tenant: &Tenant) -> Result<Option<Quarantine>> {
    if !tenant.facts.active.as_ref().is_some_and(ActiveFacts::is_quarantined) {
        return Ok(None);
    }
    let id = tenant.id.as_uuid();
    let row = sqlx::query!(
        r#"select max(v.finished_at) as "since!", coalesce(array_agg(distinct c.name) filter (where c.name is not null), '{}') as "checks!"
           from (
               select v.id, v.attempt, v.finished_at from active_configs a
               join verifications v on v.tenant_id = a.tenant_id and v.config_id = a.config_id and v.is_breach and v.trigger <> 'rotation' and v.finished_at > a.verified_at
               where a.tenant_id = $1
               order by v.finished_at, v.id limit 2
           ) v
           left join verification_checks c on c.verification_id = v.id and c.attempt = v.attempt and c.is_breach
           having count(*) > 0"#,
        id,
    )
    .fetch_optional(db)
    .await?;
    let Some(row) = row else {
        return Ok(None);
    };
    let mut checks = row
        .checks
        .iter()
        .map(|check| column(TABLE, id, check))
        .collect::<Result<Vec<CheckName>>>()?;
    checks.sort_unstable();
    Ok(Some(Quarantine { since: row.since, checks }))
}

/// The result of [`refresh_overview`].
#[must_use = "a change of status must be announced to webhooks"]
#[derive(Debug)]
pub enum Refreshed {
    /// The status did not change. There is no tenant if it does not exist.
    Same { tenant: Option<Box<Tenant>> },
    /// The status changed.
    Changed { tenant: Box<Tenant>, before: TenantStatus },
}

/// Updates the stored copies of the status and of the failing checks, by which lists filter. Every transaction that changes the facts
/// must call this.
pub async fn refresh_overview(db: &mut PgConnection, id: TenantId) -> Result<Refreshed> {
    let Some(tenant) = find(db, &TenantRef::Id(id)).await? else {
        return Ok(Refreshed::Same { tenant: None });
    };
    let status: &str = tenant.status().into();
    let before = sqlx::query_scalar!(
        r#"with before as (select status from tenants where id = $1)
           update tenants set status = $2, failing_checks = case when $2 = 'offboarded' then '{}' else coalesce((
               select array_agg(c.name order by c.name)
               from (
                   select v.id, v.attempt from verifications v
                   where v.tenant_id = $1 and v.state = 'finished' and v.verdict <> 'superseded' and v.trigger <> 'rotation'
                   order by v.created_at desc, v.id desc limit 1
               ) v
               join verification_checks c on c.verification_id = v.id and c.attempt = v.attempt and c.status = 'failed'
           ), '{}') end
           where id = $1
           returning (select status from before) as "before!""#,
        id.as_uuid(),
        status,
    )
    .fetch_one(db)
    .await?;
    let before: TenantStatus = column(TABLE, id, &before)?;
    Ok(if before == tenant.status() {
        Refreshed::Same {
            tenant: Some(Box::new(tenant)),
        }
    } else {
        Refreshed::Changed {
            tenant: Box::new(tenant),
            before,
        }
    })
}
