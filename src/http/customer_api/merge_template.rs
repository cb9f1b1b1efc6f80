//! `POST /customer/v1/templates/merge`

use axum::Json;
use axum::extract::State;

use super::auth::Customer;
use crate::http::AppState;
use crate::http::conventions::extract::JsonBody;
use crate::http::conventions::problem::{self, Problem};
use crate::http::tenant_requests::merge::{MergeTemplate, merge};
use crate::http::views::MergedDocumentView;

/// Merge the issued statements into an existing policy
///
/// Replaces the statements that have an issued Sid. Everything else keeps its content and order. Nothing is stored.
#[utoipa::path(
    operation_id = "mergeTemplate",
    post, path = "/customer/v1/templates/merge", tag = "documents", request_body = MergeTemplate,
    responses(
        (status = 200, body = MergedDocumentView),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    customer: Customer,
    body: JsonBody<MergeTemplate>,
) -> Result<Json<MergedDocumentView>, Problem> {
    merge(&state, &customer.tenant, body).await
}
