//! `PATCH /v1/tenants/{tenant}/contacts/{id}`

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::domain::ids::{ContactId, TenantRef};
use crate::http::AppState;
use crate::http::auth::{Authorized, Operator};
use crate::http::conventions::extract::{InPath, JsonBody};
use crate::http::conventions::problem::{self, Problem};
use crate::http::views::ContactView;
use crate::service::mail::contacts::{ContactFields, change};

/// Omitted fields do not change.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ChangeContact {
    #[schema(nullable = false, min_length = 1, max_length = 100)]
    name: Option<String>,
    /// Another address is asked to confirm again.
    #[schema(nullable = false, max_length = 254)]
    email: Option<String>,
}

/// Update a contact
///
/// Nothing is sent to an earlier address any more.
#[utoipa::path(
    operation_id = "updateContact",
    patch, path = "/v1/tenants/{tenant}/contacts/{id}", tag = "contacts", request_body = ChangeContact,
    params(("tenant" = String, Path, description = "ID or slug"), ("id" = ContactId, Path, description = "ID of the contact")),
    responses(
        (status = 200, body = ContactView),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    Authorized(caller, ..): Authorized<Operator>,
    InPath(tenant): InPath<TenantRef>,
    InPath(id): InPath<ContactId>,
    body: JsonBody<ChangeContact>,
) -> Result<Json<ContactView>, Problem> {
    let fields = ContactFields {
        name: body.value.name,
        email: body.value.email,
        unreadable: body.unreadable,
    };
    Ok(Json(change(&state.context, &caller, &tenant, id, &fields).await?.into()))
}
