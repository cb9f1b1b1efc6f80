//! `GET /v1/verifications/{id}`

use axum::Json;
use axum::extract::State as Extract;

use crate::http::State;
use crate::http::auth::Reader;
use crate::http::extract::VerificationPath;
use crate::http::problem::{self, Kind, Problem};
use crate::http::views::VerificationView;
use crate::service::read;

/// Show a verification with its checks
#[utoipa::path(
    get, path = "/v1/verifications/{id}", tag = "verifications",
    params(("id" = String, Path, description = "The verification's id")),
    responses(
        (status = 200, body = VerificationView),
        (status = "4XX", body = problem::Body, content_type = "application/problem+json"),
    )
)]
pub async fn handle(
    Extract(state): Extract<State>,
    _reader: Reader,
    VerificationPath(id): VerificationPath,
) -> Result<Json<VerificationView>, Problem> {
    let verification = read::verification(&state.context, id)
        .await?
        .ok_or_else(|| Problem::new(Kind::NotFound, "There is no verification of this id."))?;
    Ok(Json(verification.into()))
}
