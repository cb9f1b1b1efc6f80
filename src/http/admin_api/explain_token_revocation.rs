//! `GET /v1/tokens/{id}/session-revocation`

use axum::Json;
use axum::extract::State;

use crate::domain::ids::TokenId;
use crate::http::AppState;
use crate::http::auth::{Administrator, Authorized};
use crate::http::conventions::extract::InPath;
use crate::http::conventions::problem::{self, Problem, ProblemKind};
use crate::http::views::LiveSessionsView;
use crate::service::revoke_sessions::token_sessions;

/// Explain how to end a token's AWS sessions
///
/// The policies deny the sessions of this token by the end of their name. The sessions of other tokens are not affected. Revoke the token
/// first.
#[utoipa::path(
    operation_id = "getTokenSessionRevocation",
    get, path = "/v1/tokens/{id}/session-revocation", tag = "tokens",
    params(("id" = String, Path, description = "The token's ID")),
    responses(
        (status = 200, body = LiveSessionsView),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    _: Authorized<Administrator>,
    InPath(id): InPath<TokenId>,
) -> Result<Json<LiveSessionsView>, Problem> {
    let live = token_sessions(&state.context, id)
        .await?
        .ok_or_else(|| Problem::new(ProblemKind::NotFound, "There is no token with this ID."))?;
    Ok(Json(live.into()))
}
