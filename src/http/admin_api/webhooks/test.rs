//! `POST /v1/webhooks/{id}/test`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use crate::domain::ids::WebhookId;
use crate::http::AppState;
use crate::http::auth::{Authorized, Operator};
use crate::http::conventions::extract::InPath;
use crate::http::conventions::problem::{self, Problem};
use crate::http::views::DeliveryView;
use crate::service::webhooks::resend;

/// Send a test message
///
/// Sends a message of the type `webhook.test` immediately, once. Get the delivery to see the result.
#[utoipa::path(
    operation_id = "testWebhook",
    post, path = "/v1/webhooks/{id}/test", tag = "webhooks",
    params(("id" = String, Path, description = "The webhook's ID")),
    responses(
        (status = 202, body = DeliveryView),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    Authorized(caller, ..): Authorized<Operator>,
    InPath(id): InPath<WebhookId>,
) -> Result<(StatusCode, Json<DeliveryView>), Problem> {
    let delivery = resend::test(&state.context, &caller, id).await?;
    Ok((StatusCode::ACCEPTED, Json(delivery.into())))
}
