//! `GET /v1/tenants/{tenant}/contacts/{id}`

use axum::Json;
use axum::extract::State;

use crate::domain::ids::{ContactId, TenantRef};
use crate::http::AppState;
use crate::http::auth::{Authorized, Reader};
use crate::http::conventions::extract::InPath;
use crate::http::conventions::problem::{self, Problem, ProblemKind};
use crate::http::lookup::find_tenant;
use crate::http::views::ContactView;
use crate::service::mail;

/// Get a contact
#[utoipa::path(
    operation_id = "getContact",
    get, path = "/v1/tenants/{tenant}/contacts/{id}", tag = "contacts",
    params(("tenant" = String, Path, description = "ID or slug"), ("id" = ContactId, Path, description = "ID of the contact")),
    responses(
        (status = 200, body = ContactView),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    _: Authorized<Reader>,
    InPath(tenant): InPath<TenantRef>,
    InPath(id): InPath<ContactId>,
) -> Result<Json<ContactView>, Problem> {
    let tenant = find_tenant(&state, &tenant).await?;
    let contacts = mail::contact_list(&state.context, tenant.id).await?;
    let contact = contacts.into_iter().find(|contact| contact.id == id);
    let contact = contact.ok_or_else(|| Problem::new(ProblemKind::NotFound, problem::UNKNOWN_CONTACT))?;
    Ok(Json(contact.into()))
}
