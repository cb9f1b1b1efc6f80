//! `GET /v1/webhooks/{id}/deliveries/{delivery}`

use axum::Json;
use axum::extract::State;

use super::unknown_delivery;
use crate::domain::ids::{DeliveryId, WebhookId};
use crate::http::AppState;
use crate::http::auth::{Authorized, Operator};
use crate::http::conventions::extract::InPath;
use crate::http::conventions::problem::{self, Problem};
use crate::http::lookup::find_webhook;
use crate::http::views::DeliveryDetailView;
use crate::service::webhooks;

/// Get a delivery
///
/// Includes the message that was sent.
#[utoipa::path(
    operation_id = "getWebhookDelivery",
    get, path = "/v1/webhooks/{id}/deliveries/{delivery}", tag = "webhooks",
    params(("id" = String, Path, description = "The webhook's ID"), ("delivery" = String, Path, description = "The delivery's ID")),
    responses(
        (status = 200, body = DeliveryDetailView),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    _: Authorized<Operator>,
    InPath(id): InPath<WebhookId>,
    InPath(delivery): InPath<DeliveryId>,
) -> Result<Json<DeliveryDetailView>, Problem> {
    let webhook = find_webhook(&state, id).await?;
    let delivery = webhooks::delivery(&state.context, webhook.id, delivery).await?;
    Ok(Json(delivery.ok_or_else(unknown_delivery)?.into()))
}
