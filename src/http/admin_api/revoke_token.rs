//! `DELETE /v1/tokens/{id}`

use axum::Json;
use axum::extract::State;

use crate::domain::ids::TokenId;
use crate::http::AppState;
use crate::http::auth::{Administrator, Authorized};
use crate::http::conventions::extract::InPath;
use crate::http::conventions::problem::{self, Problem, ProblemKind};
use crate::http::views::RevokedTokenView;
use crate::service::revoke_sessions::token_sessions_valid_until;
use crate::service::tokens::revoke_token;

/// Revoke a token
///
/// Requests with this token are rejected: under `/v1` immediately, under `/internal/v1` within a second.
#[utoipa::path(
    operation_id = "revokeToken",
    delete, path = "/v1/tokens/{id}", tag = "tokens",
    params(("id" = String, Path, description = "The token's ID")),
    responses(
        (status = 200, body = RevokedTokenView),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    Authorized(caller, ..): Authorized<Administrator>,
    InPath(id): InPath<TokenId>,
) -> Result<Json<RevokedTokenView>, Problem> {
    let token = revoke_token(&state.context, &caller, id)
        .await?
        .ok_or_else(|| Problem::new(ProblemKind::NotFound, "There is no token with this ID."))?;
    Ok(Json(RevokedTokenView {
        sessions_valid_until: token_sessions_valid_until(&state.context, &token).await?,
        token: token.into(),
    }))
}
