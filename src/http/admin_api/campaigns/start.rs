//! `POST /v1/campaigns`

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::domain::campaign::{CampaignMessage, deadline};
use crate::domain::text::FieldError;
use crate::http::AppState;
use crate::http::auth::{Authorized, Operator};
use crate::http::conventions::extract::JsonBody;
use crate::http::conventions::problem::{self, Problem};
use crate::http::tenant_list_params::TenantListParams;
use crate::http::views::{CampaignPreviewView, CampaignView};
use crate::service::Context;
use crate::service::campaigns::{self, NewCampaign};

#[derive(Debug, Default, Deserialize, ToSchema)]
pub(crate) struct StartCampaign {
    /// The version of the documents that tenants are to be verified against. Defaults to the current one.
    #[schema(minimum = 1)]
    pub document_version: Option<i32>,
    /// Only tenants with this status. Without it, active and degraded tenants.
    pub status: Option<String>,
    /// Search terms. Each must be a prefix of a word in the slug, name or reference.
    pub q: Option<String>,
    /// Only tenants that may choose this mode.
    pub mode: Option<String>,
    /// Only tenants whose most recent finished verification failed this check.
    pub failing_check: Option<String>,
    /// Why customers should update, in one line of 1 to 500 characters without links. They read it in the mail and in the form.
    #[schema(
        required,
        nullable = false,
        min_length = 1,
        max_length = 500,
        example = "Previews of documents need a new permission."
    )]
    pub message: Option<String>,
    /// A date that customers read in the mail and in the form, at most a year ahead. Nothing happens on it.
    #[schema(format = Date, example = "2027-01-31")]
    pub deadline: Option<String>,
    /// Only count the tenants. Nobody is notified.
    #[serde(default)]
    pub dry_run: bool,
}

/// The error of a version that no process has issued.
pub(crate) fn unknown_version() -> FieldError {
    let detail = "there is no such version; GET /v1/document-versions lists them";
    FieldError::new("document_version", "unknown_document_version", detail)
}

impl StartCampaign {
    /// The campaign, or every error.
    pub(crate) fn validate(self, context: &Context, mut faults: Vec<FieldError>) -> Result<NewCampaign, Vec<FieldError>> {
        let message = CampaignMessage::parse(self.message.as_deref().unwrap_or_default());
        let message = message.map_err(|malformed| faults.push(FieldError::of("message", malformed)));
        let deadline = self.deadline.as_deref().map(|text| deadline(text, context.clock.now())).transpose();
        let deadline = deadline.map_err(|malformed| faults.push(FieldError::of("deadline", malformed)));
        let filter = TenantListParams {
            status: self.status,
            q: self.q,
            mode: self.mode,
            failing_check: self.failing_check,
            ..TenantListParams::default()
        }
        .filter(&mut faults);
        match (message, deadline) {
            (Ok(message), Ok(deadline)) if faults.is_empty() => Ok(NewCampaign {
                version: self.document_version,
                filter,
                message,
                deadline,
            }),
            _ => Err(faults),
        }
    }
}

/// Start a campaign for an update of the documents
///
/// It is for the tenants that match every filter and whose active version was not verified against the documents. Their confirmed
/// contacts get a mail with what changed and a link to the form, and are reminded up to three times, a week apart, until the tenant is
/// verified against the version or the campaign is ended.
#[utoipa::path(
    operation_id = "startCampaign",
    post, path = "/v1/campaigns", tag = "documents", request_body = StartCampaign,
    responses(
        (status = 201, body = CampaignView, description = "Started"),
        (status = 200, body = CampaignPreviewView, description = "With `dry_run`: what it would do"),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    Authorized(caller, ..): Authorized<Operator>,
    body: JsonBody<StartCampaign>,
) -> Result<Response, Problem> {
    let dry_run = body.value.dry_run;
    let new = body.value.validate(&state.context, body.unreadable).map_err(Problem::validation)?;
    if dry_run {
        let preview = campaigns::preview(&state.context, &new).await?;
        return Ok(Json(CampaignPreviewView::from(preview)).into_response());
    }
    let campaign = campaigns::start(&state.context, &caller, new).await?;
    Ok((StatusCode::CREATED, Json(CampaignView::from(campaign))).into_response())
}
