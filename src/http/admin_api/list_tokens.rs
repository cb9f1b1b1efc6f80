//! `GET /v1/tokens`

use axum::Json;
use axum::extract::State;

use crate::http::AppState;
use crate::http::auth::{Administrator, Authorized};
use crate::http::conventions::extract::Params;
use crate::http::conventions::paging::{ListPage, PageParams};
use crate::http::conventions::problem::{self, Problem};
use crate::http::views::TokenView;
use crate::service::tokens::token_list;

/// List tokens
///
/// Newest first, including expired and revoked tokens. Secrets are never included.
#[utoipa::path(
    operation_id = "listTokens",
    get, path = "/v1/tokens", tag = "tokens", params(PageParams),
    responses(
        (status = 200, body = ListPage<TokenView>),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    _: Authorized<Administrator>,
    Params(params): Params<PageParams>,
) -> Result<Json<ListPage<TokenView>>, Problem> {
    let wanted = params.wanted("tokens".into())?;
    let after = wanted.after.map(|(at, id)| (at, id.into()));
    let tokens = token_list(&state.context, after, wanted.fetch()).await?;
    Ok(Json(wanted.page(
        tokens,
        |token| (token.created_at, token.id.as_uuid()),
        TokenView::from,
    )))
}
