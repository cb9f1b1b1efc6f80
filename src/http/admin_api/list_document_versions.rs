//! `GET /v1/document-versions`

use axum::Json;
use axum::extract::State;

use crate::http::AppState;
use crate::http::auth::{Authorized, Reader};
use crate::http::conventions::problem::{self, Problem};
use crate::http::views::DocumentVersionsView;
use crate::service::document_versions;

/// List the versions of the documents that customers apply
///
/// Newest first, with what each changed, and how many tenants were verified against it.
#[utoipa::path(
    operation_id = "listDocumentVersions",
    get, path = "/v1/document-versions", tag = "documents",
    responses(
        (status = 200, body = DocumentVersionsView),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(State(state): State<AppState>, _: Authorized<Reader>) -> Result<Json<DocumentVersionsView>, Problem> {
    Ok(Json(document_versions::list(&state.context).await?.into()))
}
