//! `POST /internal/v1/tenants/{tenant}/reports`

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::lookup;
use crate::domain::reverification::report::DenialReport;
use crate::http::AppState;
use crate::http::auth::StorageReader;
use crate::http::conventions::extract::JsonBody;
use crate::http::conventions::problem::{self, Problem, ProblemKind};
use crate::service::reverify::reports::ReportError;

#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct Report {
    /// The API operation that AWS denied, such as `s3:GetObject`.
    #[schema(required, nullable = false, example = "s3:GetObject")]
    operation: Option<String>,
    /// AWS's error code, such as `AccessDenied`.
    #[schema(required, nullable = false, example = "AccessDenied")]
    code: Option<String>,
    /// AWS's request ID.
    request_id: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AcceptedReport {
    /// The tenant is verified again now because of this report. False if that has been done for another report a short time ago.
    due_now: bool,
}

impl From<ReportError> for Problem {
    fn from(error: ReportError) -> Self {
        match error {
            ReportError::TooMany(retry_after) => {
                let detail = "Too many reports. One report per tenant is enough until it has been verified again.";
                Self::new(ProblemKind::TooManyRequests, detail).retry_after(retry_after.seconds)
            }
            ReportError::Store(error) => error.into(),
        }
    }
}

/// Report that AWS denied access to a tenant's storage
///
/// The tenant's storage is verified again at once, instead of when it is due. Report errors that say that access was denied or that the
/// bucket or the key is gone or disabled; do not report throttling or timeouts.
#[utoipa::path(
    operation_id = "reportDenial",
    post, path = "/internal/v1/tenants/{tenant}/reports", tag = "internal",
    params(("tenant" = String, Path, description = "ID or slug")), request_body = Report,
    responses(
        (status = 202, body = AcceptedReport),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
        (status = 503, body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    reader: StorageReader,
    Path(tenant): Path<String>,
    body: JsonBody<Report>,
) -> Result<(StatusCode, Json<AcceptedReport>), Problem> {
    let found = lookup::find(&state.read_model, &reader, &tenant)?;
    let Report {
        operation,
        code,
        request_id,
    } = body.whole()?;
    let report = DenialReport::parse(operation.as_deref(), code.as_deref(), request_id.as_deref()).map_err(Problem::validation)?;
    let caller = reader.identity().caller_tag();
    let due_now = state.reports.accept(&state.context, caller, found.active.tenant(), &report).await?;
    Ok((StatusCode::ACCEPTED, Json(AcceptedReport { due_now })))
}
