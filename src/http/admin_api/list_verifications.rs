//! `GET /v1/tenants/{tenant}/verifications`

use axum::Json;
use axum::extract::State;

use crate::domain::ids::TenantRef;
use crate::domain::message::Audience;
use crate::http::AppState;
use crate::http::auth::{Authorized, Reader};
use crate::http::conventions::extract::{InPath, Params};
use crate::http::conventions::paging::{ListPage, PageParams};
use crate::http::conventions::problem::{self, Problem};
use crate::http::lookup::find_tenant;
use crate::http::views::VerificationView;
use crate::service::read;

/// List a tenant's verifications
///
/// Newest first. Checks are not included.
#[utoipa::path(
    operation_id = "listVerifications",
    get, path = "/v1/tenants/{tenant}/verifications", tag = "verifications",
    params(("tenant" = String, Path, description = "ID or slug"), PageParams),
    responses(
        (status = 200, body = ListPage<VerificationView>),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    _: Authorized<Reader>,
    InPath(tenant): InPath<TenantRef>,
    Params(params): Params<PageParams>,
) -> Result<Json<ListPage<VerificationView>>, Problem> {
    let tenant = find_tenant(&state, &tenant).await?;
    let wanted = params.wanted(format!("verifications {}", tenant.id))?;
    let after = wanted.after.map(|(at, id)| (at, id.into()));
    let found = read::verifications::list(&state.context, tenant.id, after, wanted.fetch()).await?;
    Ok(Json(wanted.page(
        found,
        |verification| (verification.created_at, verification.id.as_uuid()),
        |verification| VerificationView::new(verification, &state.context.vendor, Audience::Operations),
    )))
}
