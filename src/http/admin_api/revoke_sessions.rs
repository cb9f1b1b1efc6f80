//! `POST /v1/tenants/{tenant}/session-revocation`

use axum::Json;
use axum::extract::State;

use crate::domain::ids::TenantRef;
use crate::http::AppState;
use crate::http::auth::{Authorized, Operator};
use crate::http::conventions::extract::InPath;
use crate::http::conventions::problem::{self, Problem};
use crate::http::views::LiveSessionsView;
use crate::service::revoke_sessions::{RevokeSessionsError, live_sessions, revoke_sessions};

impl From<RevokeSessionsError> for Problem {
    fn from(error: RevokeSessionsError) -> Self {
        match error {
            RevokeSessionsError::UnknownTenant(_) => Self::unknown_tenant(),
            RevokeSessionsError::Store(error) => error.into(),
        }
    }
}

/// Revoke a tenant's AWS sessions
///
/// Latchkey hands out none of the present sessions any more, and makes new ones on request. Services that have them keep them: attach the
/// policies of the response within the hour, which deny every session that was issued before now.
#[utoipa::path(
    operation_id = "revokeSessions",
    post, path = "/v1/tenants/{tenant}/session-revocation", tag = "tenants",
    params(("tenant" = String, Path, description = "ID or slug")),
    responses(
        (status = 200, body = LiveSessionsView),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    Authorized(caller, ..): Authorized<Operator>,
    InPath(tenant): InPath<TenantRef>,
) -> Result<Json<LiveSessionsView>, Problem> {
    let tenant = revoke_sessions(&state.context, &caller, &tenant).await?;
    Ok(Json(live_sessions(&state.context, &tenant).await?.into()))
}
