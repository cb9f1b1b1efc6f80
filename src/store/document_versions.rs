//! Versions of the documents, and which of them each submitted version has.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::{Result, StoreError};
use crate::domain::document_version::{ConfigDocuments, DocumentVersion, KindNumbers, VersionCount};
use crate::domain::ids::{StorageConfigId, TenantId};
use crate::domain::storage_config::StorageConfig;

const TABLE: &str = "document_versions";

/// A row of `document_versions`.
struct VersionRow {
    number: i32,
    documents: serde_json::Value,
    assume_role_since: i32,
    assume_role_read_since: i32,
    direct_since: i32,
    direct_read_since: i32,
    first_seen_at: DateTime<Utc>,
}

/// Selects versions.
macro_rules! select_versions {
    ($rest:literal $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            VersionRow,
            "select number, documents, assume_role_since, assume_role_read_since, direct_since, direct_read_since, first_seen_at
             from document_versions " + $rest
            $(, $argument)*
        )
    };
}

impl TryFrom<VersionRow> for DocumentVersion {
    type Error = StoreError;

    fn try_from(row: VersionRow) -> Result<Self> {
        Ok(Self {
            number: row.number,
            documents: serde_json::from_value(row.documents).map_err(|fault| StoreError::inconsistent(TABLE, row.number, fault))?,
            since: KindNumbers {
                assume_role: row.assume_role_since,
                assume_role_read: row.assume_role_read_since,
                direct: row.direct_since,
                direct_read: row.direct_read_since,
            },
            first_seen_at: row.first_seen_at,
        })
    }
}

/// Lets no other transaction insert a version until this one ends.
pub(crate) async fn lock(db: &mut PgConnection) -> Result<()> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('document versions', 0))")
        .execute(db)
        .await?;
    Ok(())
}

/// Inserts a version. The caller must have called [`lock`] before it read the newest one.
pub(crate) async fn insert(db: &mut PgConnection, version: &DocumentVersion) -> Result<()> {
    let documents = serde_json::to_value(&version.documents).map_err(|fault| StoreError::inconsistent(TABLE, version.number, fault))?;
    sqlx::query!(
        "insert into document_versions
             (number, fingerprint, documents, assume_role_since, assume_role_read_since, direct_since, direct_read_since, first_seen_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        version.number,
        version.documents.fingerprint(),
        documents,
        version.since.assume_role,
        version.since.assume_role_read,
        version.since.direct,
        version.since.direct_read,
        version.first_seen_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The newest version with these documents.
pub(crate) async fn find_by_fingerprint(db: &mut PgConnection, fingerprint: &str) -> Result<Option<DocumentVersion>> {
    select_versions!("where fingerprint = $1 order by number desc limit 1", fingerprint)
        .fetch_optional(db)
        .await?
        .map(DocumentVersion::try_from)
        .transpose()
}

pub(crate) async fn find(db: &mut PgConnection, number: i32) -> Result<Option<DocumentVersion>> {
    select_versions!("where number = $1", number)
        .fetch_optional(db)
        .await?
        .map(DocumentVersion::try_from)
        .transpose()
}

/// The newest versions, newest first.
pub(crate) async fn newest(db: &mut PgConnection, limit: i64) -> Result<Vec<DocumentVersion>> {
    select_versions!("order by number desc limit $1", limit)
        .fetch_all(db)
        .await?
        .into_iter()
        .map(DocumentVersion::try_from)
        .collect()
}

/// Notes which documents were issued when a version was submitted.
pub(crate) async fn set_issued(db: &mut PgConnection, config: &StorageConfig, number: i32) -> Result<()> {
    sqlx::query!(
        "insert into config_documents (config_id, tenant_id, issued) values ($1, $2, $3)",
        config.id.as_uuid(),
        config.tenant_id.as_uuid(),
        number,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes that a version was verified against documents. Earlier ones do not replace later ones.
pub(crate) async fn set_verified(
    db: &mut PgConnection,
    config: StorageConfigId,
    tenant: TenantId,
    number: i32,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "insert into config_documents as d (config_id, tenant_id, verified, verified_at) values ($1, $2, $3, $4)
         on conflict (config_id) do update set verified = excluded.verified, verified_at = excluded.verified_at
         where d.verified is null or d.verified < excluded.verified",
        config.as_uuid(),
        tenant.as_uuid(),
        number,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The documents of a submitted version.
pub(crate) async fn of_config(db: &mut PgConnection, config: StorageConfigId) -> Result<ConfigDocuments> {
    let row = sqlx::query!(
        "select issued, verified, verified_at from config_documents where config_id = $1",
        config.as_uuid()
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map_or_else(ConfigDocuments::default, |row| ConfigDocuments {
        issued: row.issued,
        verified: row.verified,
        verified_at: row.verified_at,
    }))
}

/// How many tenants have an active version that was verified against each number, and against none.
pub(crate) async fn count_tenants(db: &mut PgConnection) -> Result<Vec<VersionCount>> {
    let rows = sqlx::query!(
        r#"with counted as (
               select d.verified, count(*) as tenants
               from active_configs a left join config_documents d on d.config_id = a.config_id
               group by d.verified
           )
           select v.number as "verified?", coalesce(c.tenants, 0) as "tenants!"
           from (select number from document_versions union all select null) v
           left join counted c on c.verified is not distinct from v.number"#
    )
    .fetch_all(db)
    .await?;
    let counted = rows.into_iter().map(|row| VersionCount {
        verified: row.verified,
        tenants: row.tenants,
    });
    Ok(counted.collect())
}

/// How many tenants have an active version that was not verified against these numbers, or higher ones.
pub(crate) async fn count_outdated(db: &mut PgConnection, since: KindNumbers) -> Result<i64> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!"
           from active_configs a join storage_configs s on s.id = a.config_id left join config_documents d on d.config_id = a.config_id
           where coalesce(d.verified, 0) < case s.mode || '/' || s.access
               when 'assume_role/read_write' then $1::int when 'assume_role/read' then $2::int
               when 'direct/read_write' then $3::int else $4::int end"#,
        since.assume_role,
        since.assume_role_read,
        since.direct,
        since.direct_read,
    );
    Ok(count.fetch_one(db).await?)
}
