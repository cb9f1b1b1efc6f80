//! `POST /v1/webhooks/{id}/enable`

use axum::Json;
use axum::extract::State;

use crate::domain::ids::WebhookId;
use crate::http::AppState;
use crate::http::auth::{Authorized, Operator};
use crate::http::conventions::extract::InPath;
use crate::http::conventions::problem::{self, Problem};
use crate::http::lookup::unknown_webhook;
use crate::http::views::WebhookView;
use crate::service::webhooks;

/// Enable a disabled webhook
///
/// It receives new events again. Events that occurred while it was disabled are not sent.
#[utoipa::path(
    operation_id = "enableWebhook",
    post, path = "/v1/webhooks/{id}/enable", tag = "webhooks",
    params(("id" = String, Path, description = "The webhook's ID")),
    responses(
        (status = 200, body = WebhookView),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    Authorized(caller, ..): Authorized<Operator>,
    InPath(id): InPath<WebhookId>,
) -> Result<Json<WebhookView>, Problem> {
    let webhook = webhooks::enable(&state.context, &caller, id).await?.ok_or_else(unknown_webhook)?;
    Ok(Json(webhook.into()))
}
