//! `POST /v1/tenants/{tenant}/contacts/{id}/confirmation`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use crate::domain::ids::{ContactId, TenantRef};
use crate::http::AppState;
use crate::http::auth::{Authorized, Operator};
use crate::http::conventions::extract::InPath;
use crate::http::conventions::problem::{self, Problem};
use crate::http::views::ContactView;
use crate::service::mail::contacts::request_confirmation;

/// Ask a contact again to confirm the address
///
/// At most once a day, unless the mail of that day was given up. Links that were sent before stay valid.
#[utoipa::path(
    operation_id = "requestContactConfirmation",
    post, path = "/v1/tenants/{tenant}/contacts/{id}/confirmation", tag = "contacts",
    params(("tenant" = String, Path, description = "ID or slug"), ("id" = ContactId, Path, description = "ID of the contact")),
    responses(
        (status = 202, body = ContactView, description = "Queued"),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    Authorized(caller, ..): Authorized<Operator>,
    InPath(tenant): InPath<TenantRef>,
    InPath(id): InPath<ContactId>,
) -> Result<(StatusCode, Json<ContactView>), Problem> {
    let contact = request_confirmation(&state.context, &caller, &tenant, id).await?;
    Ok((StatusCode::ACCEPTED, Json(contact.into())))
}
