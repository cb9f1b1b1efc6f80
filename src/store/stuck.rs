//! Tenants that are stuck, and why.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::Result;
use super::error::column;
use super::tenants::overview;
use crate::domain::finding::StuckReason;
use crate::domain::ids::TenantId;
use crate::domain::tenant::Tenant;

/// Quarantined tenants first, then degraded ones, then those blocked by the vendor's own setup or AWS, then those that have to act, then
/// those that have been verifying since before `slow`. Within each group, the longest first.
pub(crate) async fn list(db: &mut PgConnection, slow: DateTime<Utc>, limit: i64) -> Result<Vec<Tenant>> {
    overview!(
        "join (
               (select 0 as rank, status_since, id from tenants where status = 'quarantined' order by status_since, id limit $2)
               union all
               (select 1, status_since, id from tenants where status = 'degraded' order by status_since, id limit $2)
               union all
               (select 2, status_since, id from tenants where status = 'blocked_by_vendor' order by status_since, id limit $2)
               union all
               (select 3, status_since, id from tenants where status = 'action_required' order by status_since, id limit $2)
               union all
               (select 4, status_since, id from tenants where status = 'verifying' and status_since < $1
                order by status_since, id limit $2)
               order by rank, status_since, id
               limit $2
           ) s on s.id = t.id
           order by s.rank, s.status_since, s.id",
        slow,
        limit,
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(Tenant::try_from)
    .collect()
}

/// For each of these tenants, the first failed or else inconclusive check of its newest verification.
pub(crate) async fn reasons(db: &mut PgConnection, tenants: &[TenantId]) -> Result<HashMap<TenantId, StuckReason>> {
    let ids: Vec<Uuid> = tenants.iter().map(|tenant| tenant.as_uuid()).collect();
    sqlx::query!(
        r#"select t.id as "id!", c.name, c.status, c.side, c.summary
           from unnest($1::uuid[]) as t (id)
           cross join lateral (
               select v.id, v.attempt from verifications v
               where v.tenant_id = t.id and v.verdict is distinct from 'superseded' and v.trigger <> 'rotation'
               order by v.created_at desc, v.id desc limit 1
           ) v
           cross join lateral (
               select c.name, c.status, c.side, c.summary from verification_checks c
               where c.verification_id = v.id and c.attempt = v.attempt and c.status in ('failed', 'inconclusive')
               order by c.status = 'failed' desc, c.event limit 1
           ) c"#,
        &ids,
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(|row| {
        let reason = StuckReason {
            check: column("verification_checks", row.id, &row.name)?,
            status: column("verification_checks", row.id, &row.status)?,
            side: row.side.map(|side| column("verification_checks", row.id, &side)).transpose()?,
            summary: row.summary.into(),
        };
        Ok((row.id.into(), reason))
    })
    .collect()
}
