//! What changed at the storage of active versions.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, QueryBuilder};
use uuid::Uuid;

use super::error::column;
use super::history::first_id;
use super::{Result, StoreError};
use crate::domain::drift::{Difference, Drift, DriftFilter, FeedDrift, Observation};
use crate::domain::ids::DriftId;

const TABLE: &str = "drifts";

#[derive(sqlx::FromRow)]
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
    slug: String,
    tenant_name: String,
}

impl TryFrom<DriftRow> for FeedDrift {
    type Error = StoreError;

    fn try_from(row: DriftRow) -> Result<Self> {
        let id = row.id;
        Ok(Self {
            drift: Drift {
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
            },
            slug: column(TABLE, id, &row.slug)?,
            name: column(TABLE, id, &row.tenant_name)?,
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

/// A page of drifts, newest first.
pub(crate) async fn list(
    db: &mut PgConnection,
    filter: &DriftFilter,
    after: Option<(DateTime<Utc>, DriftId)>,
    limit: i64,
    now: DateTime<Utc>,
) -> Result<Vec<FeedDrift>> {
    let mut query = QueryBuilder::new(
        "select d.id, d.tenant_id, d.config_id, c.version, d.verification_id, d.name, d.before_status, d.before_code, d.before_summary,
                d.after_status, d.after_code, d.after_summary, d.not_before, d.found_at, t.slug, t.name as tenant_name
         from drifts d join storage_configs c on c.id = d.config_id join tenants t on t.id = d.tenant_id
         where true",
    );
    if let Some(tenant) = filter.tenant {
        query.push(" and d.tenant_id = ").push_bind(tenant.as_uuid());
    }
    if let Some(check) = filter.check {
        query.push(" and d.name = ").push_bind(<&str>::from(check));
    }
    if let Some(since) = filter.since {
        query.push(" and d.id >= ").push_bind(first_id(since.at(now)));
    }
    if let Some((_, id)) = after {
        query.push(" and d.id < ").push_bind(id.as_uuid());
    }
    // IDs follow the time at which drifts were found, and the newest partitions are read first.
    query.push(" order by d.id desc limit ").push_bind(limit);
    // Planned for each filter.
    let rows: Vec<DriftRow> = query.build_query_as().persistent(false).fetch_all(db).await?;
    rows.into_iter().map(FeedDrift::try_from).collect()
}
