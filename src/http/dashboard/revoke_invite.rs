//! `POST /tenants/{tenant}/invites/{id}/revoke`

use axum::extract::State as Extract;
use axum::response::Redirect;

use super::confirm::Nothing;
use super::notice::Notice;
use super::person::{Operator, Posted};
use super::tenant::path_of;
use crate::http::State;
use crate::http::extract::{InvitePath, TenantPath};
use crate::http::ops::find_tenant;
use crate::http::problem::Problem;
use crate::service::revoke_invite::revoke_invite;

pub async fn handle(
    Extract(state): Extract<State>,
    TenantPath(tenant): TenantPath,
    InvitePath(id): InvitePath,
    Posted { who: Operator(person), .. }: Posted<Operator, Nothing>,
) -> Result<Redirect, Problem> {
    let found = find_tenant(&state, &tenant).await?;
    revoke_invite(&state.context, &person.caller, &tenant, id).await?;
    Ok(Redirect::to(&Notice::InviteRevoked.at(&path_of(&found))))
}
