//! What changed at the storage of active versions.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::error::column;
use super::{Result, StoreError};
use crate::domain::drift::{Difference, Drift, Observation};
use crate::domain::ids::{DriftId, TenantId};

const TABLE: &str = "drifts";

struct DriftRow {
    id: Uuid,
    tenant_id: Uuid,
    config_id: Uuid,
    version: i32,
    verification_id: Uuid,
    name: String,
    before_status: String,
    before_code: Option<String>,
    before_summary: String,
    after_status: String,
    after_code: Option<String>,
    after_summary: String,
    not_before: Option<DateTime<Utc>>,
    found_at: DateTime<Utc>,
}

impl TryFrom<DriftRow> for Drift {
    type Error = StoreError;

    fn try_from(row: DriftRow) -> Result<Self> {
        let id = row.id;
        Ok(Self {
            id: id.into(),
            tenant: row.tenant_id.into(),
            config: row.config_id.into(),
            version: row.version,
            verification: row.verification_id.into(),
            difference: Difference {
                check: column(TABLE, id, &row.name)?,
                before: Observation {
                    status: column(TABLE, id, &row.before_status)?,
                    code: row.before_code,
                    summary: row.before_summary.into(),
                },
                after: Observation {
                    status: column(TABLE, id, &row.after_status)?,
                    code: row.after_code,
                    summary: row.after_summary.into(),
                },
            },
            not_before: row.not_before,
            found_at: row.found_at,
        })
    }
}

pub(crate) async fn insert(db: &mut PgConnection, drift: &Drift) -> Result<()> {
    let Difference { check, before, after } = &drift.difference;
    let (check, before_status, after_status): (&str, &str, &str) = (check.into(), before.status.into(), after.status.into());
    sqlx::query!(
        "insert into drifts (id, tenant_id, config_id, verification_id, name, before_status, before_code, before_summary, after_status,
                             after_code, after_summary, not_before, found_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        drift.id.as_uuid(),
        drift.tenant.as_uuid(),
        drift.config.as_uuid(),
        drift.verification.as_uuid(),
        check,
        before_status,
        before.code,
        before.summary.as_template(),
        after_status,
        after.code,
        after.summary.as_template(),
        drift.not_before,
        drift.found_at,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A page of a tenant's drifts, newest first.
pub(crate) async fn list(
    db: &mut PgConnection,
    tenant: TenantId,
    after: Option<(DateTime<Utc>, DriftId)>,
    limit: i64,
) -> Result<Vec<Drift>> {
    let (at, id) = after.unzip();
    sqlx::query_as!(
        DriftRow,
        "select d.id, d.tenant_id, d.config_id, c.version, d.verification_id, d.name, d.before_status, d.before_code, d.before_summary,
                d.after_status, d.after_code, d.after_summary, d.not_before, d.found_at
         from drifts d join storage_configs c on c.id = d.config_id
         where d.tenant_id = $1 and ($2::timestamptz is null or (d.found_at, d.id) < ($2, $3))
         order by d.found_at desc, d.id desc limit $4",
        tenant.as_uuid(),
        at,
        id.map(DriftId::as_uuid),
        limit,
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(Drift::try_from)
    .collect()
}
