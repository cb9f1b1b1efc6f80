//! `GET /v1/webhooks/{id}`

use axum::Json;
use axum::extract::State;

use crate::domain::ids::WebhookId;
use crate::http::AppState;
use crate::http::auth::{Authorized, Operator};
use crate::http::conventions::extract::InPath;
use crate::http::conventions::problem::{self, Problem};
use crate::http::lookup::find_webhook;
use crate::http::views::WebhookView;

/// Get a webhook
#[utoipa::path(
    operation_id = "getWebhook",
    get, path = "/v1/webhooks/{id}", tag = "webhooks",
    params(("id" = String, Path, description = "The webhook's ID")),
    responses(
        (status = 200, body = WebhookView),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    _: Authorized<Operator>,
    InPath(id): InPath<WebhookId>,
) -> Result<Json<WebhookView>, Problem> {
    Ok(Json(find_webhook(&state, id).await?.into()))
}
