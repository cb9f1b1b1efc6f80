//! `POST /v1/campaigns/{id}/end`

use axum::Json;
use axum::extract::State;

use crate::domain::ids::CampaignId;
use crate::http::AppState;
use crate::http::auth::{Authorized, Operator};
use crate::http::conventions::extract::InPath;
use crate::http::conventions::problem::{self, Problem};
use crate::http::views::CampaignView;
use crate::service::campaigns;

/// End a campaign
///
/// Nobody is notified any more, and its progress no longer changes. Notices that wait to be sent are not sent.
#[utoipa::path(
    operation_id = "endCampaign",
    post, path = "/v1/campaigns/{id}/end", tag = "documents",
    params(("id" = CampaignId, Path, description = "ID of the campaign")),
    responses(
        (status = 200, body = CampaignView),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    Authorized(caller, ..): Authorized<Operator>,
    InPath(id): InPath<CampaignId>,
) -> Result<Json<CampaignView>, Problem> {
    Ok(Json(campaigns::end(&state.context, &caller, id).await?.into()))
}
