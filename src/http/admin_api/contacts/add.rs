//! `POST /v1/tenants/{tenant}/contacts`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::domain::ids::TenantRef;
use crate::http::AppState;
use crate::http::auth::{Authorized, Operator};
use crate::http::conventions::extract::{InPath, JsonBody};
use crate::http::conventions::problem::{self, Problem};
use crate::http::views::ContactView;
use crate::service::mail::contacts::{ContactFields, add};

#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct AddContact {
    #[schema(required, nullable = false, min_length = 1, max_length = 100, example = "Jo Miller")]
    name: Option<String>,
    #[schema(required, nullable = false, max_length = 254, example = "jo@example.com")]
    email: Option<String>,
}

/// Add a contact
///
/// A person at the customer. The address is asked to confirm, if mail is on, and gets no other mail before that. A tenant has at most 10
/// contacts.
#[utoipa::path(
    operation_id = "addContact",
    post, path = "/v1/tenants/{tenant}/contacts", tag = "contacts", request_body = AddContact,
    params(("tenant" = String, Path, description = "ID or slug")),
    responses(
        (status = 201, body = ContactView),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    Authorized(caller, ..): Authorized<Operator>,
    InPath(tenant): InPath<TenantRef>,
    body: JsonBody<AddContact>,
) -> Result<(StatusCode, Json<ContactView>), Problem> {
    let fields = ContactFields {
        name: body.value.name,
        email: body.value.email,
        unreadable: body.unreadable,
    };
    let contact = add(&state.context, &caller, &tenant, &fields).await?;
    Ok((StatusCode::CREATED, Json(contact.into())))
}
