//! `POST /v1/tenants`

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::domain::storage_config::Mode;
use crate::domain::text::FieldError;
use crate::http::AppState;
use crate::http::auth::{Authorized, Operator};
use crate::http::conventions::extract::JsonBody;
use crate::http::conventions::problem::{self, Problem, ProblemKind};
use crate::http::views::TenantView;
use crate::service::create_tenant::{CreateTenantError, NewTenant, create_tenant, slug_reserved};

#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct CreateTenant {
    /// The tenant's name in URLs: `[a-z0-9-]{2,63}`, unique, and immutable.
    #[schema(required, nullable = false, pattern = "^[a-z0-9-]{2,63}$", example = "acme")]
    slug: Option<String>,
    /// The display name.
    #[schema(required, nullable = false, min_length = 1, max_length = 200, example = "Acme Corporation")]
    name: Option<String>,
    /// The vendor's own name for this tenant.
    reference: Option<String>,
    /// The modes that this tenant may choose. Defaults to all modes that the vendor offers.
    #[schema(value_type = Option<Vec<Mode>>)]
    modes: Option<Vec<String>>,
}

impl From<CreateTenantError> for Problem {
    fn from(error: CreateTenantError) -> Self {
        match error {
            CreateTenantError::Invalid(errors) => Self::validation(errors),
            CreateTenantError::SlugTaken(slug) => {
                Self::new(ProblemKind::Conflict, format!("The slug {slug} is taken.")).with_errors(vec![FieldError::new(
                    "slug",
                    "slug_taken",
                    "another tenant has this slug; choose another one",
                )])
            }
            CreateTenantError::SlugReserved { slug, until } => {
                let fault = slug_reserved(until);
                let detail = format!("The slug {slug} is reserved: {}. No changes were made.", fault.detail);
                Self::new(ProblemKind::Conflict, detail).with_errors(vec![fault])
            }
            CreateTenantError::Store(error) => error.into(),
        }
    }
}

/// Create a tenant
///
/// The response contains the tenant's external ID.
#[utoipa::path(
    operation_id = "createTenant",
    post, path = "/v1/tenants", tag = "tenants", request_body = CreateTenant,
    responses(
        (status = 201, body = TenantView, headers(("location", description = "The URL of the tenant"))),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    Authorized(caller, ..): Authorized<Operator>,
    body: JsonBody<CreateTenant>,
) -> Result<(StatusCode, [(header::HeaderName, String); 1], Json<TenantView>), Problem> {
    let new = NewTenant {
        slug: body.value.slug,
        name: body.value.name,
        reference: body.value.reference,
        modes: body.value.modes,
        unreadable: body.unreadable,
    };
    let tenant = create_tenant(&state.context, &caller, &new).await?;
    let location = format!("/v1/tenants/{}", tenant.slug);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(tenant.into())))
}
