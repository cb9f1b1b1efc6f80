//! `GET /v1/webhooks/{id}/deliveries`

use axum::Json;
use axum::extract::State;

use crate::domain::ids::WebhookId;
use crate::http::AppState;
use crate::http::auth::{Authorized, Operator};
use crate::http::conventions::extract::{InPath, Params};
use crate::http::conventions::paging::{ListPage, PageParams};
use crate::http::conventions::problem::{self, Problem};
use crate::http::lookup::find_webhook;
use crate::http::views::DeliveryView;
use crate::service::webhooks;

/// List a webhook's deliveries
///
/// Newest first, with all attempts. Deliveries are kept for 30 days.
#[utoipa::path(
    operation_id = "listWebhookDeliveries",
    get, path = "/v1/webhooks/{id}/deliveries", tag = "webhooks",
    params(("id" = String, Path, description = "The webhook's ID"), PageParams),
    responses(
        (status = 200, body = ListPage<DeliveryView>),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    _: Authorized<Operator>,
    InPath(id): InPath<WebhookId>,
    Params(params): Params<PageParams>,
) -> Result<Json<ListPage<DeliveryView>>, Problem> {
    let webhook = find_webhook(&state, id).await?;
    let wanted = params.wanted(format!("deliveries {}", webhook.id))?;
    let after = wanted.after.map(|(at, id)| (at, id.into()));
    let found = webhooks::delivery_list(&state.context, webhook.id, after, wanted.fetch()).await?;
    Ok(Json(wanted.page(
        found,
        |delivery| (delivery.created_at, delivery.id.as_uuid()),
        DeliveryView::from,
    )))
}
