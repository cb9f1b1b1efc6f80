//! `GET /v1/tenants/{tenant}/invites/{id}/sessions`

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::ids::{InviteId, TenantRef};
use crate::http::AppState;
use crate::http::auth::{Authorized, Reader};
use crate::http::conventions::extract::InPath;
use crate::http::conventions::problem::{self, Problem};
use crate::http::lookup::find_tenant;
use crate::http::views::InviteSessionView;
use crate::service::read;

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InviteSessions {
    items: Vec<InviteSessionView>,
}

/// List the sessions of an invite
///
/// The last used first: browsers, of which the last 100 are kept, and API tokens, of which the last 20 are kept.
#[utoipa::path(
    operation_id = "listInviteSessions",
    get, path = "/v1/tenants/{tenant}/invites/{id}/sessions", tag = "invites",
    params(("tenant" = String, Path, description = "ID or slug"), ("id" = InviteId, Path, description = "ID of the invite")),
    responses(
        (status = 200, body = InviteSessions),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    _: Authorized<Reader>,
    InPath(tenant): InPath<TenantRef>,
    InPath(id): InPath<InviteId>,
) -> Result<Json<InviteSessions>, Problem> {
    let tenant = find_tenant(&state, &tenant).await?;
    let sessions = read::invites::sessions(&state.context, tenant.id, id)
        .await?
        .ok_or_else(Problem::unknown_invite)?;
    Ok(Json(InviteSessions {
        items: sessions.into_iter().map(InviteSessionView::from).collect(),
    }))
}
