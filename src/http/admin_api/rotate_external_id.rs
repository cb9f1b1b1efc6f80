//! `POST /v1/tenants/{tenant}/external-id/rotate`

use axum::Json;
use axum::extract::State;

use crate::domain::ids::TenantRef;
use crate::domain::tenant::IllegalChange;
use crate::http::AppState;
use crate::http::auth::{Authorized, Operator};
use crate::http::conventions::extract::InPath;
use crate::http::conventions::problem::{self, Problem, ProblemKind};
use crate::http::views::TenantView;
use crate::service::rotate_external_id::{RotateExternalIdError, rotate};

impl From<RotateExternalIdError> for Problem {
    fn from(error: RotateExternalIdError) -> Self {
        let detail = match error {
            RotateExternalIdError::UnknownTenant(_) => return Self::unknown_tenant(),
            RotateExternalIdError::Illegal(IllegalChange::Offboarded) => return Self::offboarded(),
            RotateExternalIdError::Store(error) => return error.into(),
            RotateExternalIdError::Illegal(illegal) => format!("The external ID cannot be changed now: {illegal}."),
            RotateExternalIdError::NothingActive => "This tenant has no verified storage config yet, so its external ID is not in use.".into(),
            RotateExternalIdError::InProgress => {
                "A rotation is in progress. Verify or abandon the next external ID, then end the previous one, before you start another rotation."
                    .into()
            }
            RotateExternalIdError::NothingIssued => {
                "There is no unverified external ID to abandon.".into()
            }
            RotateExternalIdError::NoPrevious => {
                "There is no previous external ID: no rotation is in progress, or the new ID is not verified yet.".into()
            }
            RotateExternalIdError::AnotherWaits(id) => format!("Verification {id} is in progress. Try again when it has finished."),
        };
        Self::new(ProblemKind::Conflict, detail)
    }
}

/// Rotate the external ID
///
/// Issues a new external ID. Until the rotation ends, templates accept both. The next successful verification of the active
/// version puts the new one into use.
#[utoipa::path(
    operation_id = "rotateExternalId",
    post, path = "/v1/tenants/{tenant}/external-id/rotate", tag = "external-id",
    params(("tenant" = String, Path, description = "ID or slug")),
    responses(
        (status = 200, body = TenantView),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    Authorized(caller, ..): Authorized<Operator>,
    InPath(tenant): InPath<TenantRef>,
) -> Result<Json<TenantView>, Problem> {
    Ok(Json(rotate(&state.context, &caller, &tenant).await?.into()))
}
