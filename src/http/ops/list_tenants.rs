//! `GET /v1/tenants`

use axum::Json;
use axum::extract::State as Extract;

use crate::http::State;
use crate::http::auth::Reader;
use crate::http::extract::Params;
use crate::http::page::{Page, PageParams};
use crate::http::problem::{self, Problem};
use crate::http::views::TenantView;
use crate::service::read;

/// List tenants
///
/// Newest first.
#[utoipa::path(
    get, path = "/v1/tenants", tag = "tenants", params(PageParams),
    responses(
        (status = 200, body = Page<TenantView>),
        (status = "4XX", body = problem::Body, content_type = "application/problem+json"),
    )
)]
pub async fn handle(
    Extract(state): Extract<State>,
    _reader: Reader,
    Params(params): Params<PageParams>,
) -> Result<Json<Page<TenantView>>, Problem> {
    let wanted = params.wanted()?;
    let after = wanted.after.map(|(at, id)| (at, id.into()));
    let tenants = read::tenant_list(&state.context, after, wanted.fetch()).await?;
    Ok(Json(wanted.page(
        tenants,
        |tenant| (tenant.created_at, tenant.id.as_uuid()),
        TenantView::from,
    )))
}
