//! The findings of each attempt of a verification.

use sqlx::PgConnection;
use std::time::Duration;
use uuid::Uuid;

use super::Result;
use super::error::{StoreError, column};
use super::lease::Lease;
use crate::domain::api_result::ApiCall;
use crate::domain::finding::Finding;
use crate::domain::ids::VerificationId;
use crate::domain::message::Message;

const TABLE: &str = "verification_checks";

struct CheckRow {
    verification_id: Uuid,
    name: String,
    event: i32,
    status: String,
    required: bool,
    side: Option<String>,
    summary: String,
    detail: Option<String>,
    operation: Option<String>,
    code: Option<String>,
    http_status: Option<i32>,
    request_id: Option<String>,
    duration_ms: Option<i64>,
    skipped_because: Option<String>,
    fix: Option<serde_json::Value>,
    is_breach: bool,
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

/// The findings of one attempt, in the order of the catalogue.
pub(super) async fn of_attempt(db: &mut PgConnection, id: VerificationId, attempt: i32) -> Result<Vec<Finding>> {
    let events = since(db, id, attempt, 0).await?;
    let mut findings: Vec<Finding> = events.into_iter().map(|(_, finding)| finding).collect();
    findings.sort_by_key(|finding| finding.check);
    Ok(findings)
}

/// The findings of one attempt after this event, each with its event number, in order.
pub(super) async fn since(db: &mut PgConnection, id: VerificationId, attempt: i32, after: i32) -> Result<Vec<(i32, Finding)>> {
    sqlx::query_as!(
        CheckRow,
        "select verification_id, name, event, status, required, summary, detail, operation, code, http_status, request_id, duration_ms,
                skipped_because, fix, side, is_breach
         from verification_checks where verification_id = $1 and attempt = $2 and event > $3 order by event",
        id.as_uuid(),
        attempt,
        after,
    )
    .fetch_all(db)
    .await?
    .into_iter()
    .map(|row| {
        let event = row.event;
        Finding::try_from(row).map(|finding| (event, finding))
    })
    .collect()
}
