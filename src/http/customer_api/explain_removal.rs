//! `GET /customer/v1/removal`

use axum::Json;
use axum::extract::State;

use super::auth::FormerCustomer;
use crate::http::AppState;
use crate::http::conventions::problem::{self, Problem};
use crate::http::views::RemovalView;
use crate::service::explain_removal::explain_removal;

/// List what to remove in AWS to end the access
///
/// Also works for 90 days after the connection has ended.
#[utoipa::path(
    operation_id = "getRemovalSteps",
    get, path = "/customer/v1/removal", tag = "connection",
    responses(
        (status = 200, body = RemovalView),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(State(state): State<AppState>, customer: FormerCustomer) -> Result<Json<RemovalView>, Problem> {
    let removal = match customer {
        FormerCustomer::Connected(customer) => explain_removal(&state.context, &customer.tenant).await?,
        FormerCustomer::Ended(ended) => ended.removal,
    };
    Ok(Json(removal.into()))
}
