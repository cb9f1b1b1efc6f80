//! `DELETE /v1/tenants/{tenant}/invites/{id}`

use axum::extract::State as Extract;
use axum::http::StatusCode;

use crate::http::State;
use crate::http::auth::Operator;
use crate::http::extract::{InvitePath, TenantPath};
use crate::http::problem::{self, Problem};
use crate::service::revoke_invite::{Error, revoke_invite};
use crate::store;

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::UnknownTenant => Self::unknown_tenant(),
            Error::UnknownInvite => Self::unknown_invite(),
            Error::Store(error) => store::Error::into(error),
        }
    }
}

/// Revoke an invite
///
/// Its link, and every page that was opened with it, end at once.
#[utoipa::path(
    delete, path = "/v1/tenants/{tenant}/invites/{id}", tag = "invites",
    params(
        ("tenant" = String, Path, description = "Id or slug"),
        ("id" = String, Path, description = "The invite's id"),
    ),
    responses(
        (status = 204),
        (status = "4XX", body = problem::Body, content_type = "application/problem+json"),
    )
)]
pub async fn handle(
    Extract(state): Extract<State>,
    Operator(caller): Operator,
    TenantPath(tenant): TenantPath,
    InvitePath(id): InvitePath,
) -> Result<StatusCode, Problem> {
    revoke_invite(&state.context, &caller, &tenant, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
