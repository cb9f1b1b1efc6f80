//! `POST /v1/webhooks/{id}/deliveries/{delivery}/resend`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use crate::domain::ids::{DeliveryId, WebhookId};
use crate::http::AppState;
use crate::http::auth::{Authorized, Operator};
use crate::http::conventions::extract::InPath;
use crate::http::conventions::problem::{self, Problem};
use crate::http::views::DeliveryView;
use crate::service::webhooks::resend;

/// Resend a message
///
/// Sends it immediately, once, with the same `webhook-id`. A message that is still pending is not sent out of order: its
/// tenant's oldest pending message is retried now, and the others follow in order.
#[utoipa::path(
    operation_id = "resendWebhookDelivery",
    post, path = "/v1/webhooks/{id}/deliveries/{delivery}/resend", tag = "webhooks",
    params(("id" = String, Path, description = "The webhook's ID"), ("delivery" = String, Path, description = "The delivery's ID")),
    responses(
        (status = 202, body = DeliveryView),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    Authorized(caller, ..): Authorized<Operator>,
    InPath(id): InPath<WebhookId>,
    InPath(delivery): InPath<DeliveryId>,
) -> Result<(StatusCode, Json<DeliveryView>), Problem> {
    let delivery = resend::resend(&state.context, &caller, id, delivery).await?;
    Ok((StatusCode::ACCEPTED, Json(delivery.into())))
}
