//! `PATCH /v1/tenants/{tenant}`

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;

use crate::domain::ids::TenantRef;
use crate::domain::storage_config::Mode;
use crate::http::AppState;
use crate::http::auth::{Authorized, Operator};
use crate::http::conventions::etag::Tagged;
use crate::http::conventions::extract::{InPath, JsonBody};
use crate::http::conventions::problem::{self, Problem};
use crate::http::views::TenantDetailView;
use crate::service::change_tenant::{ChangeTenantError, FieldChange, TenantChange, change_tenant};

/// Omitted fields do not change.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ChangeTenant {
    /// The display name.
    #[schema(nullable = false)]
    name: Option<String>,
    /// The vendor's own name for this tenant. Null removes it.
    #[serde(default, deserialize_with = "field_change")]
    #[schema(value_type = Option<String>)]
    reference: FieldChange<String>,
    /// The modes that this tenant may choose.
    #[schema(value_type = Vec<Mode>, required = false, nullable = false)]
    modes: Option<Vec<String>>,
}

/// Distinguishes null from an omitted field.
fn field_change<'de, D: Deserializer<'de>>(deserializer: D) -> Result<FieldChange<String>, D::Error> {
    let field_change = Option::<String>::deserialize(deserializer)?;
    Ok(field_change.map_or(FieldChange::Clear, FieldChange::Set))
}

impl From<ChangeTenantError<Problem>> for Problem {
    fn from(error: ChangeTenantError<Self>) -> Self {
        match error {
            ChangeTenantError::UnknownTenant(_) => Self::unknown_tenant(),
            // An edit is only illegal after offboarding.
            ChangeTenantError::Illegal(_) => Self::offboarded(),
            ChangeTenantError::Invalid(faults) => Self::validation(faults),
            ChangeTenantError::Unseen(problem) => problem,
            ChangeTenantError::Store(error) => error.into(),
        }
    }
}

/// Update a tenant
///
/// Requires the ETag from the last read in `If-Match`.
#[utoipa::path(
    operation_id = "updateTenant",
    patch, path = "/v1/tenants/{tenant}", tag = "tenants", request_body = ChangeTenant,
    params(
        ("tenant" = String, Path, description = "ID or slug"),
        ("if-match" = String, Header, description = "The ETag from your last read"),
    ),
    responses(
        (status = 200, body = TenantDetailView, headers(("etag", description = "The ETag of the new state"))),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    Authorized(caller, ..): Authorized<Operator>,
    InPath(tenant): InPath<TenantRef>,
    headers: HeaderMap,
    body: JsonBody<ChangeTenant>,
) -> Result<Response, Problem> {
    let change = TenantChange {
        name: body.value.name,
        reference: body.value.reference,
        modes: body.value.modes,
        unreadable: body.unreadable,
    };
    let now = state.context.clock.now();
    let seen = |detail| Tagged::of(&TenantDetailView::new(detail, &state.context.vendor, now))?.demand(&headers);
    let changed = change_tenant(&state.context, &caller, &tenant, &change, seen).await?;
    Ok(Tagged::of(&TenantDetailView::new(changed, &state.context.vendor, now))?.answer(&HeaderMap::new()))
}
