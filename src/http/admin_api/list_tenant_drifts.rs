//! `GET /v1/tenants/{tenant}/drift`

use axum::Json;
use axum::extract::State;

use crate::domain::drift::DriftFilter;
use crate::domain::ids::TenantRef;
use crate::http::AppState;
use crate::http::auth::{Authorized, Reader};
use crate::http::conventions::extract::{InPath, Params};
use crate::http::conventions::paging::{ListPage, PageParams};
use crate::http::conventions::problem::{self, Problem};
use crate::http::lookup::find_tenant;
use crate::http::views::DriftView;
use crate::service::read;

/// List what changed at a tenant's storage
///
/// Newest first: each check of the active version that showed something else than in the verification before, and the span of time in
/// which it changed.
#[utoipa::path(
    operation_id = "listTenantDrift",
    get, path = "/v1/tenants/{tenant}/drift", tag = "verifications",
    params(("tenant" = String, Path, description = "ID or slug"), PageParams),
    responses(
        (status = 200, body = ListPage<DriftView>),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    _: Authorized<Reader>,
    InPath(tenant): InPath<TenantRef>,
    Params(params): Params<PageParams>,
) -> Result<Json<ListPage<DriftView>>, Problem> {
    let tenant = find_tenant(&state, &tenant).await?;
    let wanted = params.wanted(format!("drift {}", tenant.id))?;
    let after = wanted.after.map(|(at, id)| (at, id.into()));
    let found = read::drifts::list(&state.context, &DriftFilter::of(tenant.id), after, wanted.fetch()).await?;
    Ok(Json(wanted.page(
        found,
        |found| (found.drift.found_at, found.drift.id.as_uuid()),
        |found| DriftView::new(found.drift, &state.context.vendor),
    )))
}
