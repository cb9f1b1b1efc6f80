//! `POST /v1/tenants/{tenant}/contacts/{id}/invite`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::domain::ids::{ContactId, TenantRef};
use crate::domain::invite::{InvitePurpose, purpose};
use crate::domain::text::FieldError;
use crate::http::AppState;
use crate::http::auth::{Authorized, Operator};
use crate::http::conventions::extract::{InPath, JsonBody};
use crate::http::conventions::problem::{self, Problem};
use crate::http::views::ContactView;
use crate::service::mail::contacts::request_invite;

#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct InviteContact {
    /// `onboarding`: the link cannot replace storage that is in use. `change`: it can. Defaults to `onboarding` for a tenant without an
    /// active version, and to `change` otherwise. Always `onboarding` for a contact that the customer entered.
    #[schema(value_type = Option<InvitePurpose>)]
    purpose: Option<String>,
}

/// Mail a contact a link to the form
///
/// The link is valid for 7 days from when it is sent. At most one a day and purpose.
#[utoipa::path(
    operation_id = "inviteContact",
    post, path = "/v1/tenants/{tenant}/contacts/{id}/invite", tag = "contacts", request_body = Option<InviteContact>,
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
    body: JsonBody<InviteContact>,
) -> Result<(StatusCode, Json<ContactView>), Problem> {
    let mut faults = body.unreadable;
    let purpose = body.value.purpose.as_deref().map(purpose).transpose();
    let purpose = purpose.map_err(|malformed| faults.push(FieldError::of("purpose", malformed)));
    let (Ok(purpose), true) = (purpose, faults.is_empty()) else {
        return Err(Problem::validation(faults));
    };
    let contact = request_invite(&state.context, &caller, &tenant, id, purpose).await?;
    Ok((StatusCode::ACCEPTED, Json(contact.into())))
}
