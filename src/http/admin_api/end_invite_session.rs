//! `DELETE /v1/tenants/{tenant}/invites/{id}/sessions/{session}`

use axum::extract::State;
use axum::http::StatusCode;

use crate::domain::ids::{InviteId, InviteSessionId, TenantRef};
use crate::http::AppState;
use crate::http::auth::{Authorized, Operator};
use crate::http::conventions::extract::InPath;
use crate::http::conventions::problem::{self, Problem, ProblemKind};
use crate::service::end_invite_session::{EndInviteSessionError, end_invite_session};

impl From<EndInviteSessionError> for Problem {
    fn from(error: EndInviteSessionError) -> Self {
        match error {
            EndInviteSessionError::UnknownTenant(_) => Self::unknown_tenant(),
            EndInviteSessionError::UnknownInvite => Self::unknown_invite(),
            EndInviteSessionError::UnknownSession => Self::new(ProblemKind::NotFound, "This invite has no such session."),
            EndInviteSessionError::Store(error) => error.into(),
        }
    }
}

/// End a session of an invite
///
/// Logs a browser out, or revokes an API token. The link stays valid, and can be opened again. To end it as well, revoke the invite. Idempotent.
#[utoipa::path(
    operation_id = "endInviteSession",
    delete, path = "/v1/tenants/{tenant}/invites/{id}/sessions/{session}", tag = "invites",
    params(
        ("tenant" = String, Path, description = "ID or slug"),
        ("id" = InviteId, Path, description = "ID of the invite"),
        ("session" = InviteSessionId, Path, description = "ID of the session"),
    ),
    responses(
        (status = 204, description = "Ended"),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    Authorized(caller, ..): Authorized<Operator>,
    InPath(tenant): InPath<TenantRef>,
    InPath(id): InPath<InviteId>,
    InPath(session): InPath<InviteSessionId>,
) -> Result<StatusCode, Problem> {
    end_invite_session(&state.context, &caller, &tenant, id, session).await?;
    Ok(StatusCode::NO_CONTENT)
}
