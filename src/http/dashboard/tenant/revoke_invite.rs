//! `POST /tenants/{tenant}/invites/{id}/revoke`

use axum::extract::State;
use axum::response::Redirect;

use crate::domain::ids::{InviteId, TenantRef};
use crate::http::AppState;
use crate::http::auth::Operator;
use crate::http::conventions::extract::InPath;
use crate::http::conventions::problem::Problem;
use crate::http::dashboard::shared::confirm::EmptyForm;
use crate::http::dashboard::shared::notice::Notice;
use crate::http::dashboard::shared::paths::tenant_path;
use crate::http::dashboard::shared::session::Posted;
use crate::http::lookup::find_tenant;
use crate::service::revoke_invite::revoke_invite;

pub(crate) async fn handle(
    State(state): State<AppState>,
    InPath(tenant): InPath<TenantRef>,
    InPath(id): InPath<InviteId>,
    Posted { session, .. }: Posted<Operator, EmptyForm>,
) -> Result<Redirect, Problem> {
    let found = find_tenant(&state, &tenant).await?;
    revoke_invite(&state.context, &session.caller, &tenant, id).await?;
    Ok(Redirect::to(&Notice::InviteRevoked.at(&tenant_path(&found))))
}
