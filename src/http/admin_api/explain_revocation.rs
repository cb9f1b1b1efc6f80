//! `GET /v1/tenants/{tenant}/session-revocation`

use axum::Json;
use axum::extract::State;

use crate::domain::ids::TenantRef;
use crate::http::AppState;
use crate::http::auth::{Authorized, Reader};
use crate::http::conventions::extract::InPath;
use crate::http::conventions::problem::{self, Problem};
use crate::http::lookup::find_tenant;
use crate::http::views::LiveSessionsView;
use crate::service::revoke_sessions::live_sessions;

/// Explain how to end a tenant's AWS sessions
///
/// Suspending or offboarding a tenant stops new credentials. Credentials that were handed out before work until they expire,
/// unless a policy on their role denies them. The policies here deny every session that was issued before now, and for a suspended or
/// offboarded tenant also those that a process makes which cannot reach the database. Delete them once the sessions have expired. To end
/// the sessions of an active tenant, revoke them first (`POST`): otherwise services get denied sessions from the cache.
#[utoipa::path(
    operation_id = "getSessionRevocation",
    get, path = "/v1/tenants/{tenant}/session-revocation", tag = "tenants",
    params(("tenant" = String, Path, description = "ID or slug")),
    responses(
        (status = 200, body = LiveSessionsView),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    _: Authorized<Reader>,
    InPath(tenant): InPath<TenantRef>,
) -> Result<Json<LiveSessionsView>, Problem> {
    let tenant = find_tenant(&state, &tenant).await?;
    Ok(Json(live_sessions(&state.context, &tenant).await?.into()))
}
