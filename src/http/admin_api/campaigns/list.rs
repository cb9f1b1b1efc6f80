//! `GET /v1/campaigns`

use axum::Json;
use axum::extract::State;

use crate::http::AppState;
use crate::http::auth::{Authorized, Reader};
use crate::http::conventions::extract::Params;
use crate::http::conventions::paging::{ListPage, PageParams};
use crate::http::conventions::problem::{self, Problem};
use crate::http::views::CampaignView;
use crate::service::campaigns;

/// List campaigns
///
/// Newest first.
#[utoipa::path(
    operation_id = "listCampaigns",
    get, path = "/v1/campaigns", tag = "documents", params(PageParams),
    responses(
        (status = 200, body = ListPage<CampaignView>),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    _: Authorized<Reader>,
    Params(params): Params<PageParams>,
) -> Result<Json<ListPage<CampaignView>>, Problem> {
    let wanted = params.wanted("campaigns".to_owned())?;
    let after = wanted.after.map(|(at, id)| (at, id.into()));
    let found = campaigns::list(&state.context, after, wanted.fetch()).await?;
    Ok(Json(wanted.page(
        found,
        |campaign| (campaign.created_at, campaign.id.as_uuid()),
        CampaignView::from,
    )))
}
