//! `POST /v1/webhooks/{id}/rotate-secret`

use axum::extract::State;
use axum::http::StatusCode;
use chrono::TimeDelta;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{ShownOnce, no_key, shown_once};
use crate::domain::ids::WebhookId;
use crate::domain::text::FieldError;
use crate::http::AppState;
use crate::http::auth::{Authorized, Operator};
use crate::http::conventions::extract::{InPath, JsonBody};
use crate::http::conventions::problem::{self, Problem};
use crate::http::lookup::unknown_webhook;
use crate::http::views::WebhookWithSecret;
use crate::service::webhooks::rotate_secret::{OVERLAP, RotateSecretError, rotate_secret};

const LONGEST: i64 = 24 * 7;

#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct RotateSecret {
    /// How long messages are also signed with the previous secret: 0 to 168 hours, 24 if omitted. Use 0 if the secret leaked.
    #[schema(minimum = 0, maximum = 168, example = 24)]
    overlap_hours: Option<i64>,
}

/// Rotate a webhook's secret
///
/// The new secret is only shown once. During the overlap, messages are signed with both.
#[utoipa::path(
    operation_id = "rotateWebhookSecret",
    post, path = "/v1/webhooks/{id}/rotate-secret", tag = "webhooks",
    params(("id" = String, Path, description = "The webhook's ID")), request_body = Option<RotateSecret>,
    responses(
        (status = 200, body = WebhookWithSecret),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    Authorized(caller, ..): Authorized<Operator>,
    InPath(id): InPath<WebhookId>,
    body: JsonBody<RotateSecret>,
) -> Result<ShownOnce, Problem> {
    let JsonBody { value, mut unreadable } = body;
    if value.overlap_hours.is_some_and(|hours| !(0..=LONGEST).contains(&hours)) {
        let detail = format!("overlap_hours must be between 0 and {LONGEST}; omit it for 24");
        unreadable.push(FieldError::new("overlap_hours", "out_of_range", detail));
    }
    if !unreadable.is_empty() {
        return Err(Problem::validation(unreadable));
    }
    let overlap = value.overlap_hours.map_or(OVERLAP, TimeDelta::hours);
    let (webhook, secret) = rotate_secret(&state.context, &caller, id, overlap).await?;
    Ok(shown_once(StatusCode::OK, webhook, &secret))
}

impl From<RotateSecretError> for Problem {
    fn from(error: RotateSecretError) -> Self {
        match error {
            RotateSecretError::Unknown => unknown_webhook(),
            RotateSecretError::NoKey => no_key(),
            RotateSecretError::Store(error) => error.into(),
        }
    }
}
