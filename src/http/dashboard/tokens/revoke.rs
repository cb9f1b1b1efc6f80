//! `POST /tokens/{id}/revoke`

use axum::extract::State;
use axum::response::Redirect;

use crate::domain::ids::TokenId;
use crate::http::AppState;
use crate::http::auth::Administrator;
use crate::http::conventions::extract::InPath;
use crate::http::conventions::problem::{Problem, ProblemKind};
use crate::http::dashboard::shared::confirm::EmptyForm;
use crate::http::dashboard::shared::notice::Notice;
use crate::http::dashboard::shared::session::Posted;
use crate::service::tokens::revoke_token;

pub(crate) async fn handle(
    State(state): State<AppState>,
    InPath(id): InPath<TokenId>,
    Posted { session, .. }: Posted<Administrator, EmptyForm>,
) -> Result<Redirect, Problem> {
    revoke_token(&state.context, &session.caller, id)
        .await?
        .ok_or_else(|| Problem::new(ProblemKind::NotFound, "There is no token with this ID."))?;
    Ok(Redirect::to(&Notice::TokenRevoked.at("/tokens")))
}
