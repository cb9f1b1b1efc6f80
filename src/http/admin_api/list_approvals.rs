//! `GET /v1/approvals`

use axum::Json;
use axum::extract::State;

use crate::http::AppState;
use crate::http::auth::{Authorized, Reader};
use crate::http::conventions::extract::Params;
use crate::http::conventions::paging::{ListPage, PageParams};
use crate::http::conventions::problem::{self, Problem};
use crate::http::views::PendingApprovalView;
use crate::service::read;

/// List changes that are waiting for approval
///
/// The oldest first, of all tenants.
#[utoipa::path(
    operation_id = "listApprovals",
    get, path = "/v1/approvals", tag = "storage configs",
    params(PageParams),
    responses(
        (status = 200, body = ListPage<PendingApprovalView>),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    _: Authorized<Reader>,
    Params(params): Params<PageParams>,
) -> Result<Json<ListPage<PendingApprovalView>>, Problem> {
    let wanted = params.wanted("approvals".to_owned())?;
    let after = wanted.after.map(|(at, id)| (at, id.into()));
    let found = read::approvals::pending(&state.context, after, wanted.fetch()).await?;
    Ok(Json(wanted.page(
        found,
        |pending| (pending.approval.requested_at, pending.approval.config.id.as_uuid()),
        PendingApprovalView::from,
    )))
}
