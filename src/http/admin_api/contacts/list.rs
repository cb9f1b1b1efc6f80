//! `GET /v1/tenants/{tenant}/contacts`

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::ids::TenantRef;
use crate::http::AppState;
use crate::http::auth::{Authorized, Reader};
use crate::http::conventions::extract::InPath;
use crate::http::conventions::problem::{self, Problem};
use crate::http::lookup::find_tenant;
use crate::http::views::ContactView;
use crate::service::mail;

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Contacts {
    items: Vec<ContactView>,
    /// Whether mail is configured. Without it, nobody is notified.
    mail_is_on: bool,
}

/// List a tenant's contacts
///
/// Oldest first.
#[utoipa::path(
    operation_id = "listContacts",
    get, path = "/v1/tenants/{tenant}/contacts", tag = "contacts",
    params(("tenant" = String, Path, description = "ID or slug")),
    responses(
        (status = 200, body = Contacts),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    _: Authorized<Reader>,
    InPath(tenant): InPath<TenantRef>,
) -> Result<Json<Contacts>, Problem> {
    let tenant = find_tenant(&state, &tenant).await?;
    let contacts = mail::contact_list(&state.context, tenant.id).await?;
    Ok(Json(Contacts {
        items: contacts.into_iter().map(ContactView::from).collect(),
        mail_is_on: state.context.mail.is_some(),
    }))
}
