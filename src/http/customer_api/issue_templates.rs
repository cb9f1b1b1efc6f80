//! `GET /customer/v1/templates`

use axum::extract::State;
use axum::response::Response;

use super::auth::Customer;
use crate::http::AppState;
use crate::http::conventions::extract::Params;
use crate::http::conventions::problem::{self, Problem};
use crate::http::tenant_requests::templates::{TemplateParams, issue};
use crate::http::views::DocumentsView;

/// Get the documents to apply
///
/// They contain the external ID that was issued to you. Values that you omit become placeholders, which AWS rejects; the files for
/// `CloudFormation`, Terraform and the AWS CLI ask for them instead.
#[utoipa::path(
    operation_id = "getTemplates",
    get, path = "/customer/v1/templates", tag = "documents",
    params(TemplateParams),
    responses(
        (status = 200, content(
            (DocumentsView = "application/json"),
            (String = "application/yaml"),
            (String = "text/x-shellscript"),
            (String = "text/plain"),
        )),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    customer: Customer,
    Params(params): Params<TemplateParams>,
) -> Result<Response, Problem> {
    issue(&state, &customer.tenant, params).await
}
