//! `DELETE /v1/tenants/{tenant}/invites/{id}`

use axum::extract::State;
use axum::http::StatusCode;

use crate::domain::ids::{InviteId, TenantRef};
use crate::http::AppState;
use crate::http::auth::{Authorized, Operator};
use crate::http::conventions::extract::InPath;
use crate::http::conventions::problem::{self, Problem};
use crate::service::revoke_invite::{RevokeInviteError, revoke_invite};

impl From<RevokeInviteError> for Problem {
    fn from(error: RevokeInviteError) -> Self {
        match error {
            RevokeInviteError::UnknownTenant(_) => Self::unknown_tenant(),
            RevokeInviteError::UnknownInvite => Self::unknown_invite(),
            RevokeInviteError::Store(error) => error.into(),
        }
    }
}

/// Revoke an invite
///
/// Its link and all sessions that were started with it stop working immediately.
#[utoipa::path(
    operation_id = "revokeInvite",
    delete, path = "/v1/tenants/{tenant}/invites/{id}", tag = "invites",
    params(
        ("tenant" = String, Path, description = "ID or slug"),
        ("id" = String, Path, description = "The invite's ID"),
    ),
    responses(
        (status = 204),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    Authorized(caller, ..): Authorized<Operator>,
    InPath(tenant): InPath<TenantRef>,
    InPath(id): InPath<InviteId>,
) -> Result<StatusCode, Problem> {
    revoke_invite(&state.context, &caller, &tenant, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
