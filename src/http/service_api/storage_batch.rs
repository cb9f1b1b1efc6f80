//! `POST /internal/v1/storage-configs:batch`

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::lookup::{self, raw};
use crate::domain::text::FieldError;
use crate::http::AppState;
use crate::http::auth::StorageReader;
use crate::http::conventions::extract::JsonBody;
use crate::http::conventions::problem::{self, Problem};
use crate::http::conventions::request_id::RequestId;
use crate::http::views::ActiveStorageSchema;

const MOST: usize = 1000;
/// Enough for a thousand of the longest slugs.
pub(crate) const MAX_BODY: usize = 128 * 1024;

#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct Batch {
    /// 1 to 1000 tenant IDs or slugs.
    #[schema(required, nullable = false, min_items = 1, max_items = 1000)]
    tenants: Option<Vec<String>>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Answers {
    /// In the order of the request.
    items: Vec<Item>,
}

/// Has either a storage config or a problem.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Item {
    /// As in the request.
    tenant: String,
    #[schema(value_type = Option<ActiveStorageSchema>)]
    storage: Option<Box<RawValue>>,
    problem: Option<problem::ProblemBody>,
}

/// Get the active storage configs of many tenants
///
/// Each tenant gets the answer that a single request would get.
#[utoipa::path(
    operation_id = "getActiveStorageConfigs",
    post, path = "/internal/v1/storage-configs:batch", tag = "internal", request_body = Batch,
    responses(
        (status = 200, body = Answers),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
        (status = 503, body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    reader: StorageReader,
    Extension(request): Extension<RequestId>,
    body: JsonBody<Batch>,
) -> Result<(HeaderMap, Json<Answers>), Problem> {
    let mut faults = body.unreadable;
    let tenants = body.value.tenants.unwrap_or_default();
    if faults.iter().all(|fault| !fault.field.starts_with("tenants")) {
        if tenants.is_empty() {
            faults.push(FieldError::new("tenants", "required", "name at least one tenant, by ID or slug"));
        }
        if tenants.len() > MOST {
            let detail = format!(
                "{} tenants exceed the limit of {MOST}; split them across several requests",
                tenants.len()
            );
            faults.push(FieldError::new("tenants", "too_many", detail));
        }
    }
    if !faults.is_empty() {
        return Err(Problem::validation(faults));
    }
    state.read_model.freshness()?;
    let request = request.to_string();
    let answer = |tenant: String| match lookup::find(&state.read_model, &reader, &tenant) {
        Ok(found) => Item {
            tenant,
            storage: raw(&found.active.document().json(found.stale)),
            problem: None,
        },
        Err(problem) => Item {
            tenant,
            storage: None,
            problem: Some(problem.body(&request)),
        },
    };
    let items = tenants.into_iter().map(answer).collect();
    let mut headers = lookup::freshness_headers(&state.read_model)?;
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok((headers, Json(Answers { items })))
}
