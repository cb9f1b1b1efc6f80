//! `DELETE /v1/webhooks/{id}`

use axum::extract::State;
use axum::http::StatusCode;

use crate::domain::ids::WebhookId;
use crate::http::AppState;
use crate::http::auth::{Authorized, Operator};
use crate::http::conventions::extract::InPath;
use crate::http::conventions::problem::{self, Problem};
use crate::http::lookup::unknown_webhook;
use crate::service::webhooks;

/// Delete a webhook
///
/// Discards its pending messages and its delivery log.
#[utoipa::path(
    operation_id = "deleteWebhook",
    delete, path = "/v1/webhooks/{id}", tag = "webhooks",
    params(("id" = String, Path, description = "The webhook's ID")),
    responses(
        (status = 204),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    Authorized(caller, ..): Authorized<Operator>,
    InPath(id): InPath<WebhookId>,
) -> Result<StatusCode, Problem> {
    if webhooks::delete(&state.context, &caller, id).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(unknown_webhook())
    }
}
