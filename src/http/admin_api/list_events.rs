//! `GET /v1/events`

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::{Stream, stream};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::error;
use utoipa::{IntoParams, ToSchema};

use crate::domain::audit::{AuditEntry, AuditFilter};
use crate::domain::ids::{AuditEventId, TenantId, TenantRef};
use crate::domain::text::FieldError;
use crate::http::AppState;
use crate::http::auth::{Authorized, Reader};
use crate::http::conventions::extract::Params;
use crate::http::conventions::problem::{self, Problem};
use crate::http::lookup::find_tenant;
use crate::service::{Context, StoreError, read};

const MAX: i64 = 1000;
const LINES: &str = "application/x-ndjson";

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventParams {
    /// ID or slug. If omitted, the events of all tenants, and those that concern no tenant.
    tenant: Option<String>,
    /// The action, such as `tenant.suspended`.
    action: Option<String>,
    /// The actor, without the name: `token:<id>`, `user:<subject>`, `invite:<id>`, `operator` or `system`.
    actor: Option<String>,
    /// The ID of the last event that you received. If omitted, starts at the beginning.
    after: Option<String>,
    /// The maximum number of events, 1 to 1000. JSON lines have no limit by default.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<i64>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditEvents {
    /// In commit order.
    items: Vec<AuditEvent>,
    /// The `after` of the next call. Null while there are no events.
    next: Option<AuditEventId>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditEvent {
    id: AuditEventId,
    at: DateTime<Utc>,
    /// A token, a user of the identity provider, an invite, an operator on the command line, or Latchkey itself.
    #[schema(value_type = Object)]
    actor: Value,
    #[schema(example = "tenant.suspended")]
    action: String,
    tenant_id: Option<TenantId>,
    /// The client's IP address.
    address: Option<String>,
    request_id: Option<String>,
    /// The subject's state before the change. Null if it was created.
    #[schema(value_type = Option<Object>)]
    before: Option<Value>,
    /// The subject's state after the change. Null if it was deleted.
    #[schema(value_type = Option<Object>)]
    after: Option<Value>,
    /// Details such as IDs and the reason.
    #[schema(value_type = Object)]
    detail: Value,
}

impl From<AuditEntry> for AuditEvent {
    fn from(entry: AuditEntry) -> Self {
        Self {
            id: entry.id,
            at: entry.at,
            actor: entry.actor,
            action: entry.action.as_str().to_owned(),
            tenant_id: entry.tenant_id,
            address: entry.address,
            request_id: entry.request_id,
            before: entry.before,
            after: entry.after,
            detail: entry.detail,
        }
    }
}

/// Read the audit log
///
/// In commit order, starting after the given event. A client that continues from `next` misses nothing.
/// Returns JSON lines for `Accept: application/x-ndjson`.
#[utoipa::path(
    operation_id = "listAuditEvents",
    get, path = "/v1/events", tag = "audit", params(EventParams),
    responses(
        (status = 200, content((AuditEvents = "application/json"), (String = "application/x-ndjson"))),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    _: Authorized<Reader>,
    Params(params): Params<EventParams>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut faults = Vec::new();
    if params.limit.is_some_and(|limit| !(1..=MAX).contains(&limit)) {
        faults.push(FieldError::new(
            "limit",
            "out_of_range",
            format!("limit must be between 1 and {MAX}"),
        ));
    }
    let after = params.after.as_deref().map(AuditEventId::parse).transpose();
    let after = after
        .map_err(|malformed| faults.push(FieldError::of("after", malformed)))
        .ok()
        .flatten();
    for (name, value) in [("action", &params.action), ("actor", &params.actor)] {
        if value.as_ref().is_some_and(|value| value.is_empty() || value.contains('\0')) {
            faults.push(FieldError::new(
                name,
                "malformed",
                "use a value as it appears in an event, or omit it for all",
            ));
        }
    }
    if !faults.is_empty() {
        return Err(Problem::validation(faults));
    }
    let from = match after {
        None => 0,
        Some(after) => read::audit::position(&state.context, after).await?.ok_or_else(|| {
            let detail = "there is no event with this ID; send the `next` of a previous response, or omit it to start at the beginning";
            Problem::validation(vec![FieldError::new("after", "unknown_event", detail)])
        })?,
    };
    let tenant = match params.tenant.as_deref().map(TenantRef::parse) {
        None => None,
        Some(Ok(tenant)) => Some(find_tenant(&state, &tenant).await?.id),
        Some(Err(_)) => return Err(Problem::unknown_tenant()),
    };
    let filter = AuditFilter {
        tenant,
        action: params.action,
        actor: params.actor,
    };
    let wants_lines = headers
        .get(header::ACCEPT)
        .is_some_and(|accept| accept.as_bytes() == LINES.as_bytes());
    if wants_lines {
        let lines = lines(state.context.clone(), filter, from, params.limit);
        return Ok(([(header::CONTENT_TYPE, LINES)], Body::from_stream(lines)).into_response());
    }
    let entries = read::audit::list(&state.context, &filter, from, params.limit.unwrap_or(100)).await?;
    let next = entries.last().map(|entry| entry.id).or(after);
    let items = entries.into_iter().map(AuditEvent::from).collect();
    Ok(Json(AuditEvents { items, next }).into_response())
}

/// The entries as JSON lines, queried page by page while they are sent. An error aborts the response, so that a partial
/// export is never mistaken for a complete one.
fn lines(context: Context, filter: AuditFilter, from: i64, limit: Option<i64>) -> impl Stream<Item = Result<Bytes, StoreError>> {
    stream::try_unfold(Some(from), move |from| {
        let (context, filter) = (context.clone(), filter.clone());
        async move {
            let Some(from) = from else { return Ok(None) };
            let page = limit.unwrap_or(MAX);
            let entries = read::audit::list(&context, &filter, from, page)
                .await
                .inspect_err(|fault| error!(%fault, "audit log export failed"))?;
            let is_last = limit.is_some() || i64::try_from(entries.len()).is_ok_and(|length| length < page);
            let next = entries.last().map(|entry| entry.position).filter(|_| !is_last);
            let mut text = Vec::new();
            for entry in entries {
                serde_json::to_writer(&mut text, &AuditEvent::from(entry)).expect("an entry is JSON");
                text.push(b'\n');
            }
            Ok(Some((Bytes::from(text), next)))
        }
    })
}
