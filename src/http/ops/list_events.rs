//! `GET /v1/events`

use axum::Json;
use axum::extract::State as Extract;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::find_tenant;
use crate::domain::ids::{AuditEventId, TenantId, TenantRef};
use crate::domain::text::FieldError;
use crate::http::State;
use crate::http::auth::Reader;
use crate::http::extract::Params;
use crate::http::problem::{self, Kind, Problem};
use crate::service::read;
use crate::store::audit::Entry;

const MAX: i64 = 1000;
const LINES: &str = "application/x-ndjson";

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EventParams {
    /// Id or slug; all tenants, and what is about none, when left out.
    tenant: Option<String>,
    /// The id of the last event that is known; from the beginning when left out.
    after: Option<String>,
    /// How many, 1 to 1000.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<i64>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct AuditEvents {
    /// Oldest first.
    items: Vec<AuditEvent>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct AuditEvent {
    id: AuditEventId,
    at: DateTime<Utc>,
    /// Who: a token, an invite, an operator on the command line, or Latchkey itself.
    #[schema(value_type = Object)]
    actor: Value,
    #[schema(example = "tenant.suspended")]
    action: String,
    tenant_id: Option<TenantId>,
    request_id: Option<String>,
    #[schema(value_type = Object)]
    detail: Value,
}

impl From<Entry> for AuditEvent {
    fn from(entry: Entry) -> Self {
        Self {
            id: entry.id,
            at: entry.at,
            actor: entry.actor,
            action: entry.action,
            tenant_id: entry.tenant_id,
            request_id: entry.request_id,
            detail: entry.detail,
        }
    }
}

/// Read the audit log
///
/// Oldest first, after the event that is given. As JSON lines for `accept: application/x-ndjson`.
#[utoipa::path(
    get, path = "/v1/events", tag = "audit", params(EventParams),
    responses(
        (status = 200, content((AuditEvents = "application/json"), (String = "application/x-ndjson"))),
        (status = "4XX", body = problem::Body, content_type = "application/problem+json"),
    )
)]
pub async fn handle(
    Extract(state): Extract<State>,
    _reader: Reader,
    Params(params): Params<EventParams>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut faults = Vec::new();
    let limit = params.limit.unwrap_or(100);
    if !(1..=MAX).contains(&limit) {
        faults.push(FieldError::new("limit", "out_of_range", format!("limit is 1 to {MAX}")));
    }
    let after = params.after.as_deref().map(AuditEventId::parse).transpose();
    let after = after
        .map_err(|malformed| faults.push(FieldError::of("after", malformed)))
        .ok()
        .flatten();
    if !faults.is_empty() {
        return Err(Problem::validation(faults));
    }
    let tenant = match params.tenant.as_deref().map(TenantRef::parse) {
        None => None,
        Some(Ok(tenant)) => Some(find_tenant(&state, &tenant).await?.id),
        Some(Err(_)) => return Err(Problem::unknown_tenant()),
    };
    let entries = read::audit_log(&state.context, tenant, after, limit).await?;
    let items: Vec<AuditEvent> = entries.into_iter().map(AuditEvent::from).collect();
    let wants_lines = headers
        .get(header::ACCEPT)
        .is_some_and(|accept| accept.as_bytes() == LINES.as_bytes());
    if !wants_lines {
        return Ok(Json(AuditEvents { items }).into_response());
    }
    let lines: Result<String, serde_json::Error> = items
        .iter()
        .map(|item| serde_json::to_string(item).map(|line| line + "\n"))
        .collect();
    let lines = lines.map_err(|_| Problem::new(Kind::Internal, "The answer could not be written."))?;
    Ok(([(header::CONTENT_TYPE, LINES)], lines).into_response())
}
