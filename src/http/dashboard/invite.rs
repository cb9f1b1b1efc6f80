//! `GET /tenants/{tenant}/invites/{id}`: the link of an invite that was just made. It is shown once.

use askama::Template;
use axum::extract::State as Extract;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};

use super::frame::{Frame, Part};
use super::moment::Moment;
use super::once;
use super::person::Operator;
use super::tenant::path_of;
use crate::domain::tenant::Tenant;
use crate::http::State;
use crate::http::extract::{InvitePath, TenantPath};
use crate::http::ops::find_tenant;
use crate::http::problem::Problem;
use crate::http::site::render;
use crate::service::read;

#[derive(Template)]
#[template(path = "dashboard/pages/invite.html")]
struct Page<'a> {
    frame: Frame<'a>,
    tenant: &'a Tenant,
    path: String,
    /// None once it was shown.
    url: Option<String>,
    expires: Moment,
}

pub async fn handle(
    Extract(state): Extract<State>,
    Operator(person): Operator,
    headers: HeaderMap,
    TenantPath(tenant): TenantPath,
    InvitePath(id): InvitePath,
) -> Result<Response, Problem> {
    let tenant = find_tenant(&state, &tenant).await?;
    let invites = read::invite_list(&state.context, tenant.id).await?;
    let invite = invites
        .into_iter()
        .find(|invite| invite.id == id)
        .ok_or_else(Problem::unknown_invite)?;
    let token = once::take(&headers, id.as_uuid());
    let page = Page {
        frame: Frame::new(&state, &person, Part::Tenants, &format!("Invite for {}", tenant.name)),
        path: path_of(&tenant),
        url: token.map(|token| state.onboard_url(&token)).transpose()?,
        expires: Moment::of(invite.expires_at, state.context.clock.now()),
        tenant: &tenant,
    };
    Ok((once::forget(&headers), render(&page)).into_response())
}
