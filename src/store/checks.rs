//! The findings of each attempt of a verification.

use sqlx::PgConnection;
use std::time::Duration;
use uuid::Uuid;

use super::Result;
use super::error::{StoreError, column};
use super::lease::Lease;
use crate::domain::api_result::ApiCall;
use crate::domain::finding::Finding;
use crate::domain::ids::{TenantId, VerificationId};
use crate::domain::message::Message;

const TABLE: &str = "verification_checks";

#[derive(Debug, Clone, PartialEq)]
pub(super) struct CheckRow {
    pub(super) verification_id: Uuid,
    pub(super) name: String,
    pub(super) event: i32,
    pub(super) status: String,
    pub(super) required: bool,
    pub(super) side: Option<String>,
    pub(super) summary: String,
    pub(super) detail: Option<String>,
    pub(super) operation: Option<String>,
    pub(super) code: Option<String>,
    pub(super) http_status: Option<i32>,
    pub(super) request_id: Option<String>,
    pub(super) duration_ms: Option<i64>,
    pub(super) skipped_because: Option<String>,
    pub(super) fix: Option<serde_json::Value>,
    pub(super) is_breach: bool,
}

impl TryFrom<CheckRow> for Finding {
    type Error = StoreError;

    fn try_from(row: CheckRow) -> Result<Self> {
        let id = row.verification_id;
        let status = |status: i32| u16::try_from(status).map_err(|fault| StoreError::inconsistent(TABLE, id, fault));
        let exchange = match row.operation {
            Some(operation) => Some(ApiCall {
                operation,
                code: row.code,
                status: row.http_status.map(status).transpose()?,
                request_id: row.request_id,
                duration: Duration::from_millis(row.duration_ms.and_then(|ms| u64::try_from(ms).ok()).unwrap_or_default()),
                may_arrive_late: false,
                bucket_region: None,
                region: None,
                account: None,
                answered_at: None,
            }),
            None => None,
        };
        Ok(Self {
            check: column(TABLE, id, &row.name)?,
            breach: row.is_breach,
            status: column(TABLE, id, &row.status)?,
            required: row.required,
            side: row.side.map(|side| column(TABLE, id, &side)).transpose()?,
            summary: row.summary.into(),
            detail: row.detail.map(Into::into),
            exchange,
            skipped_because: row.skipped_because.map(|check| column(TABLE, id, &check)).transpose()?,
            fix: row
                .fix
                .map(serde_json::from_value)
                .transpose()
                .map_err(|fault| StoreError::inconsistent(TABLE, id, fault))?,
        })
    }
}

/// Writes a finding as the event with this number.
pub(super) async fn insert(db: &mut PgConnection, lease: &Lease, event: i32, finding: &Finding) -> Result<()> {
    let exchange = finding.exchange.as_ref();
    let (name, status): (&str, &str) = (finding.check.into(), finding.status.into());
    sqlx::query!(
        "insert into verification_checks
             (verification_id, attempt, name, event, status, required, summary, detail, operation, code, http_status, request_id,
              duration_ms, skipped_because, fix, side, is_breach)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15::text::json, $16, $17)",
        lease.verification.as_uuid(),
        lease.attempt,
        name,
        event,
        status,
        finding.required,
        finding.summary.as_template(),
        finding.detail.as_ref().map(Message::as_template),
        exchange.map(|exchange| exchange.operation.as_str()),
        exchange.and_then(|exchange| exchange.code.as_deref()),
        exchange.and_then(|exchange| exchange.status).map(i32::from),
        exchange.and_then(|exchange| exchange.request_id.as_deref()),
        finding
            .duration()
            .map(|duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)),
        finding.skipped_because.map(|check| check.to_string()),
        // As text: sqlx would send jsonb, which does not keep the order of members.
        finding.fix.as_ref().map(|fix| serde_json::json!(fix).to_string()),
        finding.side.map(<&str>::from),
        finding.is_breach(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Findings in the order of the catalogue.
pub(super) fn findings(rows: Vec<CheckRow>) -> Result<Vec<Finding>> {
    let mut findings: Vec<Finding> = rows.into_iter().map(Finding::try_from).collect::<Result<_>>()?;
    findings.sort_by_key(|finding| finding.check);
    Ok(findings)
}

/// The rows of one attempt at a verification that is not finished, in the order of their events.
pub(super) async fn of_attempt(db: &mut PgConnection, id: VerificationId, attempt: i32) -> Result<Vec<CheckRow>> {
    let rows = sqlx::query_as!(
        CheckRow,
        "select verification_id, name, event, status, required, summary, detail, operation, code, http_status, request_id, duration_ms,
                skipped_because, fix, side, is_breach
         from verification_checks where verification_id = $1 and attempt = $2 order by event",
        id.as_uuid(),
        attempt,
    );
    Ok(rows.fetch_all(db).await?)
}

/// Removes the rows of a verification that is finished, and of the tenant's earlier ones, except those that explain the tenant's status:
/// what `newest` did not pass, and the breaches of the active version since it was last verified. All of them are in the records.
pub(super) async fn remove_recorded(db: &mut PgConnection, tenant: TenantId, id: VerificationId, newest: Option<i32>) -> Result<()> {
    sqlx::query!(
        "delete from verification_checks
         where verification_id = $1 and ($2::int is null or attempt <> $2 or status not in ('failed', 'inconclusive'))",
        id.as_uuid(),
        newest,
    )
    .execute(&mut *db)
    .await?;
    if newest.is_some() {
        sqlx::query!(
            "delete from verification_checks c using verifications v left join active_configs a on a.tenant_id = v.tenant_id
             where v.tenant_id = $1 and v.id <> $2 and v.state = 'finished' and c.verification_id = v.id
               and not (c.is_breach and a.config_id is not distinct from v.config_id and v.finished_at > a.verified_at)",
            tenant.as_uuid(),
            id.as_uuid(),
        )
        .execute(db)
        .await?;
    }
    Ok(())
}
