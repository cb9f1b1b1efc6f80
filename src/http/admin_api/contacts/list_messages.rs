//! `GET /v1/tenants/{tenant}/messages`

use axum::Json;
use axum::extract::State;

use crate::domain::ids::TenantRef;
use crate::http::AppState;
use crate::http::auth::{Authorized, Reader};
use crate::http::conventions::extract::{InPath, Params};
use crate::http::conventions::paging::{ListPage, PageParams};
use crate::http::conventions::problem::{self, Problem};
use crate::http::lookup::find_tenant;
use crate::http::views::MailView;
use crate::service::mail;

/// List the mail to a tenant's contacts
///
/// Newest first. Mails are kept for 90 days after they were sent or given up. Their links are not included, because they are not stored.
#[utoipa::path(
    operation_id = "listMessages",
    get, path = "/v1/tenants/{tenant}/messages", tag = "contacts",
    params(("tenant" = String, Path, description = "ID or slug"), PageParams),
    responses(
        (status = 200, body = ListPage<MailView>),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    _: Authorized<Reader>,
    InPath(tenant): InPath<TenantRef>,
    Params(params): Params<PageParams>,
) -> Result<Json<ListPage<MailView>>, Problem> {
    let tenant = find_tenant(&state, &tenant).await?;
    let wanted = params.wanted(format!("messages {}", tenant.id))?;
    let after = wanted.after.map(|(at, id)| (at, id.into()));
    let found = mail::list(&state.context, tenant.id, after, wanted.fetch()).await?;
    Ok(Json(wanted.page(
        found,
        |mail| (mail.created_at, mail.id.as_uuid()),
        MailView::from,
    )))
}
