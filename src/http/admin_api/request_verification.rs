//! `POST /v1/tenants/{tenant}/verifications`

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::domain::ids::TenantRef;
use crate::domain::message::Audience;
use crate::domain::text::FieldError;
use crate::http::AppState;
use crate::http::auth::{Authorized, Operator};
use crate::http::conventions::extract::{InPath, JsonBody};
use crate::http::conventions::problem::{self, Problem, ProblemKind};
use crate::http::views::VerificationView;
use crate::service::request_verification::{RequestVerificationError, request_verification};

#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct RequestVerification {
    /// The active or the newest version. Defaults to the active version, or to the newest if none is active.
    version: Option<i32>,
}

impl From<RequestVerificationError> for Problem {
    fn from(error: RequestVerificationError) -> Self {
        match error {
            RequestVerificationError::UnknownTenant(_) => Self::unknown_tenant(),
            RequestVerificationError::Offboarded => Self::offboarded(),
            RequestVerificationError::NothingSubmitted => {
                Self::new(ProblemKind::Conflict, "This tenant has not submitted a storage config yet.")
            }
            RequestVerificationError::NotThatVersion => Self::validation(vec![FieldError::new(
                "version",
                "version_not_verifiable",
                "only the active and the newest version can be verified; omit the field to verify the active version, or the newest if none is active",
            )]),
            RequestVerificationError::AnotherWaits(id) => Self::new(
                ProblemKind::Conflict,
                format!("Verification {id} of another version is already queued. Try again when it has finished."),
            ),
            RequestVerificationError::TooMany { seconds } => Self::new(
                ProblemKind::TooManyRequests,
                "Too many verifications of this tenant were requested.",
            )
            .retry_after(seconds),
            RequestVerificationError::Store(error) => error.into(),
        }
    }
}

/// Verify a version
///
/// If a verification of the same version is queued or running, returns that one.
#[utoipa::path(
    operation_id = "createVerification",
    post, path = "/v1/tenants/{tenant}/verifications", tag = "verifications",
    params(("tenant" = String, Path, description = "ID or slug")), request_body = Option<RequestVerification>,
    responses(
        (status = 202, body = VerificationView, headers(("location", description = "The URL of the verification"))),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    Authorized(caller, ..): Authorized<Operator>,
    InPath(tenant): InPath<TenantRef>,
    body: JsonBody<RequestVerification>,
) -> Result<(StatusCode, [(header::HeaderName, String); 1], Json<VerificationView>), Problem> {
    let version = body.whole()?.version;
    let verification = request_verification(&state.context, &caller, &tenant, version).await?;
    let location = format!("/v1/verifications/{}", verification.id);
    let view = VerificationView::new(verification, &state.context.vendor, Audience::Operations);
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], Json(view)))
}
