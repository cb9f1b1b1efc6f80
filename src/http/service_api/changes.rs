//! `GET /internal/v1/changes`

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use super::lookup::{self, raw};
use crate::domain::feed::FeedCursor;
use crate::domain::ids::{Slug, TenantId};
use crate::domain::text::FieldError;
use crate::http::AppState;
use crate::http::auth::StorageReader;
use crate::http::conventions::extract::Params;
use crate::http::conventions::problem::{self, Problem, ProblemKind};
use crate::http::views::ActiveStorageSchema;
use crate::read_model::{Freshness, ReadModel, ServingState, TenantEntry};

const MOST: usize = 1000;
const LONGEST_WAIT: u64 = 60;

const LOST: &str = "The database no longer knows this cursor. Read from the beginning, without after, and replace your copy.";

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ChangeParams {
    /// `cursor` of the previous response. Omit it to read from the beginning.
    after: Option<String>,
    /// How many seconds to wait for a change if there is none yet, 0 to 60.
    #[param(maximum = 60, default = 0)]
    wait: Option<u64>,
    /// The maximum number of changes, 1 to 1000.
    #[param(minimum = 1, maximum = 1000, default = 1000)]
    limit: Option<usize>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Changes {
    /// In commit order. A tenant that changed several times appears once, with its last change.
    items: Vec<Change>,
    /// The `after` of the next call. Null while nothing has ever changed.
    cursor: Option<String>,
    /// The database is unavailable, so there may be further changes.
    stale: bool,
}

/// What internal services get for a tenant from now on.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Change {
    position: i64,
    changed_at: DateTime<Utc>,
    tenant_id: TenantId,
    slug: Slug,
    /// Why there is no storage config. Null when there is one.
    tombstone: Option<Tombstone>,
    #[schema(value_type = Option<ActiveStorageSchema>)]
    storage: Option<Box<RawValue>>,
}

#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Tombstone {
    Suspended,
    Quarantined,
    Offboarded,
    NothingActive,
}

impl Change {
    fn of(entry: &TenantEntry, stale: bool) -> Self {
        let (tombstone, storage) = match &entry.state {
            ServingState::Active(document) => (None, raw(&document.json(stale))),
            ServingState::Suspended => (Some(Tombstone::Suspended), None),
            ServingState::Quarantined => (Some(Tombstone::Quarantined), None),
            ServingState::Offboarded => (Some(Tombstone::Offboarded), None),
            ServingState::Nothing => (Some(Tombstone::NothingActive), None),
        };
        Self {
            position: entry.cursor.position,
            changed_at: entry.changed_at,
            tenant_id: entry.tenant,
            slug: entry.slug.clone(),
            tombstone,
            storage,
        }
    }
}

/// The validated parameters.
struct Wanted {
    after: Option<FeedCursor>,
    wait: Duration,
    limit: usize,
}

impl ChangeParams {
    fn wanted(&self) -> Result<Wanted, Problem> {
        let mut faults = Vec::new();
        let after = self.after.as_deref().map(FeedCursor::parse).transpose();
        let after = after.map_err(|malformed| faults.push(FieldError::of("after", malformed)));
        let mut fault = |field: &str, detail: String| faults.push(FieldError::new(field, "out_of_range", detail));
        let (wait, limit) = (self.wait.unwrap_or(0), self.limit.unwrap_or(MOST));
        if wait > LONGEST_WAIT {
            fault("wait", format!("wait must be between 0 and {LONGEST_WAIT} seconds"));
        }
        if !(1..=MOST).contains(&limit) {
            fault("limit", format!("limit must be between 1 and {MOST}"));
        }
        match after {
            Ok(after) if faults.is_empty() => Ok(Wanted {
                after,
                wait: Duration::from_secs(wait),
                limit,
            }),
            _ => Err(Problem::validation(faults)),
        }
    }
}

/// Follow changes
///
/// Reading from the beginning returns the current state of every tenant. Continuing from `cursor` returns every later change, each
/// within a second of its commit. A cursor is valid on every replica.
///
/// 410 `cursor-lost` means that the database was restored or has lost commits: read from the beginning, and replace everything
/// that you hold.
#[utoipa::path(
    operation_id = "listChanges",
    get, path = "/internal/v1/changes", tag = "internal", params(ChangeParams),
    responses(
        (status = 200, body = Changes),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
        (status = 503, body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    mut reader: StorageReader,
    headers: HeaderMap,
    Params(params): Params<ChangeParams>,
) -> Result<(HeaderMap, Json<Changes>), Problem> {
    let Wanted { mut after, wait, limit } = params.wanted()?;
    state.read_model.freshness()?;
    let mut news = state.read_model.watch();
    let mut timeout = state.context.clock.sleep(wait);
    let mut has_caught_up = false;
    let entries = loop {
        news.borrow_and_update();
        let read = state.read_model.changes(after, limit, |tenant| reader.covers(tenant));
        let Ok((entries, cursor)) = read else {
            // Another replica may have returned it a moment ago.
            if std::mem::replace(&mut has_caught_up, true) {
                return Err(Problem::new(ProblemKind::CursorLost, LOST));
            }
            state.read_model.caught_up().await?;
            continue;
        };
        after = cursor;
        if !entries.is_empty() {
            break entries;
        }
        tokio::select! {
            changed = news.changed(), if !wait.is_zero() => if changed.is_err() { break entries },
            () = &mut timeout => break entries,
            () = state.shutdown.cancelled() => break entries,
        }
        // The token may have been revoked or limited meanwhile.
        reader = StorageReader::again(&headers, &state)?;
    };
    let mut headers = lookup::freshness_headers(&state.read_model)?;
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let old = is_stale(&state.read_model)?;
    let answer = Changes {
        items: entries.iter().map(|entry| Change::of(entry, old)).collect(),
        cursor: after.map(|cursor| cursor.to_string()),
        stale: old,
    };
    Ok((headers, Json(answer)))
}

fn is_stale(read_model: &ReadModel) -> Result<bool, Problem> {
    Ok(read_model.freshness()? == Freshness::Stale)
}
