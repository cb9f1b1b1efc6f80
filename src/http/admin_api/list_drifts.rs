//! `GET /v1/drift`

use axum::Json;
use axum::extract::State;

use crate::http::AppState;
use crate::http::auth::{Authorized, Reader};
use crate::http::conventions::extract::Params;
use crate::http::conventions::paging::{ListPage, PageParams};
use crate::http::conventions::problem::{self, Problem};
use crate::http::drift_list_params::DriftListParams;
use crate::http::views::FeedDriftView;
use crate::service::read;

/// List what changed at the storage of all tenants
///
/// Newest first: each check of an active version that showed something else than in the verification before, and the span of time in
/// which it changed.
#[utoipa::path(
    operation_id = "listDrift",
    get, path = "/v1/drift", tag = "verifications", params(DriftListParams),
    responses(
        (status = 200, body = ListPage<FeedDriftView>),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    _: Authorized<Reader>,
    Params(params): Params<DriftListParams>,
) -> Result<Json<ListPage<FeedDriftView>>, Problem> {
    let mut faults = Vec::new();
    let found = params.filter(&state, &mut faults).await?;
    let list = format!("drift {found:?}");
    let wanted = PageParams::new(params.limit, params.cursor).validate(list, &mut faults);
    let Some(wanted) = wanted.filter(|_| faults.is_empty()) else {
        return Err(Problem::validation(faults));
    };
    let filter = found.ok_or_else(Problem::unknown_tenant)?;
    let after = wanted.after.map(|(at, id)| (at, id.into()));
    let drifts = read::drifts::list(&state.context, &filter, after, wanted.fetch()).await?;
    Ok(Json(wanted.page(
        drifts,
        |found| (found.drift.found_at, found.drift.id.as_uuid()),
        |found| FeedDriftView::new(found, &state.context.vendor),
    )))
}
