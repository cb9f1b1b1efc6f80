//! `DELETE /v1/tenants/{tenant}/contacts/{id}`

use axum::extract::State;
use axum::http::StatusCode;

use crate::domain::ids::{ContactId, TenantRef};
use crate::http::AppState;
use crate::http::auth::{Authorized, Operator};
use crate::http::conventions::extract::InPath;
use crate::http::conventions::problem::{self, Problem};
use crate::service::mail::contacts::remove;

/// Remove a contact
///
/// Nothing is sent to it any more. Invites that were mailed to it stay valid; revoke them separately.
#[utoipa::path(
    operation_id = "removeContact",
    delete, path = "/v1/tenants/{tenant}/contacts/{id}", tag = "contacts",
    params(("tenant" = String, Path, description = "ID or slug"), ("id" = ContactId, Path, description = "ID of the contact")),
    responses(
        (status = 204, description = "Removed"),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    Authorized(caller, ..): Authorized<Operator>,
    InPath(tenant): InPath<TenantRef>,
    InPath(id): InPath<ContactId>,
) -> Result<StatusCode, Problem> {
    remove(&state.context, &caller, &tenant, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
