//! `GET /v1/tenants`

use axum::Json;
use axum::extract::State;

use crate::http::AppState;
use crate::http::auth::{Authorized, Reader};
use crate::http::conventions::extract::Params;
use crate::http::conventions::paging::{ListPage, PageParams};
use crate::http::conventions::problem::{self, Problem};
use crate::http::tenant_list_params::TenantListParams;
use crate::http::views::ListedTenantView;
use crate::service::read;

/// List tenants
///
/// Newest first. With `confirmed_before` or `verified_in_full_before`, the longest ago first.
#[utoipa::path(
    operation_id = "listTenants",
    get, path = "/v1/tenants", tag = "tenants", params(TenantListParams),
    responses(
        (status = 200, body = ListPage<ListedTenantView>),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    _: Authorized<Reader>,
    Params(params): Params<TenantListParams>,
) -> Result<Json<ListPage<ListedTenantView>>, Problem> {
    let mut faults = Vec::new();
    let filter = params.filter_with_documents(&state.context, &mut faults).await?;
    let wanted = PageParams::new(params.limit, params.cursor).validate(format!("tenants {filter:?}"), &mut faults);
    let Some(wanted) = wanted.filter(|_| faults.is_empty()) else {
        return Err(Problem::validation(faults));
    };
    let after = wanted.after.map(|(at, id)| (at, id.into()));
    let tenants = read::tenants::list(&state.context, &filter, after, wanted.fetch()).await?;
    Ok(Json(wanted.page(
        tenants,
        |listed| (listed.listed_by(filter.order()), listed.tenant.id.as_uuid()),
        ListedTenantView::from,
    )))
}
