//! `GET /v1/webhooks`

use axum::Json;
use axum::extract::State;

use crate::http::AppState;
use crate::http::auth::{Authorized, Operator};
use crate::http::conventions::extract::Params;
use crate::http::conventions::paging::{ListPage, PageParams};
use crate::http::conventions::problem::{self, Problem};
use crate::http::views::WebhookView;
use crate::service::webhooks;

/// List webhooks
///
/// Newest first. Secrets are never included.
#[utoipa::path(
    operation_id = "listWebhooks",
    get, path = "/v1/webhooks", tag = "webhooks", params(PageParams),
    responses(
        (status = 200, body = ListPage<WebhookView>),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    _: Authorized<Operator>,
    Params(params): Params<PageParams>,
) -> Result<Json<ListPage<WebhookView>>, Problem> {
    let wanted = params.wanted("webhooks".into())?;
    let after = wanted.after.map(|(at, id)| (at, id.into()));
    let found = webhooks::list(&state.context, after, wanted.fetch()).await?;
    Ok(Json(wanted.page(
        found,
        |webhook| (webhook.created_at, webhook.id.as_uuid()),
        WebhookView::from,
    )))
}
