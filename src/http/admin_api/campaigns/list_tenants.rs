//! `GET /v1/campaigns/{id}/tenants`

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use strum::IntoEnumIterator;
use utoipa::IntoParams;

use crate::domain::campaign::CampaignTenantState;
use crate::domain::ids::CampaignId;
use crate::http::AppState;
use crate::http::auth::{Authorized, Reader};
use crate::http::conventions::extract::{InPath, Params};
use crate::http::conventions::paging::{ListPage, PageParams};
use crate::http::conventions::problem::{self, Problem};
use crate::http::tenant_list_params::parse_choice;
use crate::http::views::CampaignTenantView;
use crate::service::campaigns::{self, CampaignError};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct CampaignTenantParams {
    /// Only tenants in this state.
    #[param(value_type = Option<CampaignTenantState>)]
    state: Option<String>,
    /// The number of items, 1 to 200.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<i64>,
    /// `next_cursor` of the previous page.
    cursor: Option<String>,
}

/// List the tenants of a campaign
///
/// For example those without a contact, which operators have to write to themselves.
#[utoipa::path(
    operation_id = "listCampaignTenants",
    get, path = "/v1/campaigns/{id}/tenants", tag = "documents",
    params(("id" = CampaignId, Path, description = "ID of the campaign"), CampaignTenantParams),
    responses(
        (status = 200, body = ListPage<CampaignTenantView>),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    _: Authorized<Reader>,
    InPath(id): InPath<CampaignId>,
    Params(params): Params<CampaignTenantParams>,
) -> Result<Json<ListPage<CampaignTenantView>>, Problem> {
    let mut faults = Vec::new();
    let of_state = parse_choice("state", params.state.as_deref(), CampaignTenantState::iter(), &mut faults);
    let list = format!("campaign {id} {of_state:?}");
    let wanted = PageParams::new(params.limit, params.cursor).validate(list, &mut faults);
    let Some(wanted) = wanted.filter(|_| faults.is_empty()) else {
        return Err(Problem::validation(faults));
    };
    let after = wanted.after.map(|(at, tenant)| (at, tenant.into()));
    let found = campaigns::tenants(&state.context, id, of_state, after, wanted.fetch())
        .await?
        .ok_or(CampaignError::Unknown)?;
    Ok(Json(wanted.page(
        found,
        |tenant| (tenant.enrolled_at, tenant.tenant.as_uuid()),
        CampaignTenantView::from,
    )))
}
