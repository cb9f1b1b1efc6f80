//! `GET /tenants/{tenant}/invites/{id}`: shows the link of a new invite, once.

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};

use crate::domain::ids::{InviteId, TenantRef};
use crate::domain::tenant::Tenant;
use crate::http::AppState;
use crate::http::auth::Operator;
use crate::http::conventions::extract::InPath;
use crate::http::conventions::problem::Problem;
use crate::http::dashboard::shared::layout::{Layout, Section};
use crate::http::dashboard::shared::one_time_secret;
use crate::http::dashboard::shared::paths::tenant_path;
use crate::http::dashboard::shared::relative_time::RelativeTime;
use crate::http::dashboard::shared::session::DashboardUser;
use crate::http::lookup::find_tenant;
use crate::http::web_ui::render;
use crate::service::read;

#[derive(Template)]
#[template(path = "dashboard/pages/invite.html")]
struct Page<'a> {
    frame: Layout<'a>,
    tenant: &'a Tenant,
    path: String,
    /// None if it was already shown.
    url: Option<String>,
    expires: RelativeTime,
}

pub(crate) async fn handle(
    State(state): State<AppState>,
    DashboardUser(session, ..): DashboardUser<Operator>,
    headers: HeaderMap,
    InPath(tenant): InPath<TenantRef>,
    InPath(id): InPath<InviteId>,
) -> Result<Response, Problem> {
    let tenant = find_tenant(&state, &tenant).await?;
    let invites = read::invites::list(&state.context, tenant.id).await?;
    let invite = invites
        .into_iter()
        .find(|invite| invite.id == id)
        .ok_or_else(Problem::unknown_invite)?;
    let token = one_time_secret::take(&headers, id.as_uuid());
    let page = Page {
        frame: Layout::new(&state, &session, Section::Tenants, &format!("Invite for {}", tenant.name)),
        path: tenant_path(&tenant),
        url: token.map(|token| state.onboard_url(&token)).transpose()?,
        expires: RelativeTime::of(invite.expires_at, state.context.clock.now()),
        tenant: &tenant,
    };
    Ok((one_time_secret::forget(&headers), render(&page)).into_response())
}
