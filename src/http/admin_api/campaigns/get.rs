//! `GET /v1/campaigns/{id}`

use axum::Json;
use axum::extract::State;

use crate::domain::ids::CampaignId;
use crate::http::AppState;
use crate::http::auth::{Authorized, Reader};
use crate::http::conventions::extract::InPath;
use crate::http::conventions::problem::{self, Problem};
use crate::http::views::CampaignDetailView;
use crate::service::campaigns::{self, CampaignError};

/// Get a campaign and its progress
#[utoipa::path(
    operation_id = "getCampaign",
    get, path = "/v1/campaigns/{id}", tag = "documents",
    params(("id" = CampaignId, Path, description = "ID of the campaign")),
    responses(
        (status = 200, body = CampaignDetailView),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    _: Authorized<Reader>,
    InPath(id): InPath<CampaignId>,
) -> Result<Json<CampaignDetailView>, Problem> {
    let (campaign, progress) = campaigns::find(&state.context, id).await?.ok_or(CampaignError::Unknown)?;
    Ok(Json(CampaignDetailView::new(campaign, progress)))
}
