//! `GET /v1/tenants/{tenant}/invites`

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::ids::TenantRef;
use crate::http::AppState;
use crate::http::auth::{Authorized, Reader};
use crate::http::conventions::extract::InPath;
use crate::http::conventions::problem::{self, Problem};
use crate::http::lookup::find_tenant;
use crate::http::views::InviteView;
use crate::service::read;

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Invites {
    items: Vec<InviteView>,
}

/// List a tenant's invites
///
/// Newest first. Links are not included, because they are not stored.
#[utoipa::path(
    operation_id = "listInvites",
    get, path = "/v1/tenants/{tenant}/invites", tag = "invites",
    params(("tenant" = String, Path, description = "ID or slug")),
    responses(
        (status = 200, body = Invites),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    _: Authorized<Reader>,
    InPath(tenant): InPath<TenantRef>,
) -> Result<Json<Invites>, Problem> {
    let tenant = find_tenant(&state, &tenant).await?;
    let invites = read::invites::list(&state.context, tenant.id).await?;
    let now = state.context.clock.now();
    Ok(Json(Invites {
        items: invites.into_iter().map(|invite| InviteView::of(&invite, now)).collect(),
    }))
}
