//! `GET /v1/verifications/{id}`

use axum::Json;
use axum::extract::State;

use crate::domain::ids::VerificationId;
use crate::domain::message::Audience;
use crate::http::AppState;
use crate::http::auth::{Authorized, Reader};
use crate::http::conventions::extract::InPath;
use crate::http::conventions::problem::{self, Problem};
use crate::http::views::VerificationView;
use crate::service::read;

/// Get a verification and its checks
#[utoipa::path(
    operation_id = "getVerification",
    get, path = "/v1/verifications/{id}", tag = "verifications",
    params(("id" = String, Path, description = "The verification's ID")),
    responses(
        (status = 200, body = VerificationView),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    _: Authorized<Reader>,
    InPath(id): InPath<VerificationId>,
) -> Result<Json<VerificationView>, Problem> {
    let verification = read::verifications::find(&state.context, id)
        .await?
        .ok_or_else(Problem::unknown_verification)?;
    Ok(Json(VerificationView::new(
        verification,
        &state.context.vendor,
        Audience::Operations,
    )))
}
