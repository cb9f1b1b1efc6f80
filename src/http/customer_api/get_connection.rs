//! `GET /customer/v1/connection`

use axum::Json;
use axum::extract::State;

use super::auth::Customer;
use crate::http::AppState;
use crate::http::conventions::problem::{self, Problem, ProblemKind};
use crate::http::views::ConnectionView;
use crate::service::read;

/// Get the state of the connection
///
/// What the vendor has issued, what was submitted, and how far the connection is.
#[utoipa::path(
    operation_id = "getConnection",
    get, path = "/customer/v1/connection", tag = "connection",
    responses(
        (status = 200, body = ConnectionView),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(State(state): State<AppState>, customer: Customer) -> Result<Json<ConnectionView>, Problem> {
    let connection = read::connection::of_tenant(&state.context, customer.tenant.id)
        .await?
        .ok_or_else(|| Problem::new(ProblemKind::NotFound, "This storage connection does not exist any more."))?;
    let contact = state.onboarding.web.contact.clone();
    Ok(Json(ConnectionView::new(connection, &state.context.vendor, contact, &customer)))
}
