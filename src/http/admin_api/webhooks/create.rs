//! `POST /v1/webhooks`

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{ShownOnce, no_key, shown_once};
use crate::domain::webhook::new::NewWebhook;
use crate::domain::webhook::{MOST, Topic};
use crate::http::AppState;
use crate::http::auth::{Authorized, Operator};
use crate::http::conventions::extract::JsonBody;
use crate::http::conventions::problem::{self, Problem, ProblemKind};
use crate::http::views::WebhookWithSecret;
use crate::service::webhooks::{CreateWebhookError, create};

#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct CreateWebhook {
    /// The receiver's URL. Must be https, and resolve to public addresses or those in `LATCHKEY_WEBHOOK_ALLOW`.
    #[schema(required, nullable = false, max_length = 2048, example = "https://hooks.vendor.example/latchkey")]
    url: Option<String>,
    /// The events to receive. Defaults to all.
    #[schema(value_type = Option<Vec<Topic>>, min_items = 1)]
    events: Option<Vec<String>>,
    /// A description of 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200, example = "The billing service")]
    description: Option<String>,
}

/// Create a webhook
///
/// The signing secret is only shown once. Messages follow the Standard Webhooks specification. They are delivered at least
/// once, and in order for each tenant. Failed deliveries are retried for a day.
#[utoipa::path(
    operation_id = "createWebhook",
    post, path = "/v1/webhooks", tag = "webhooks", request_body = CreateWebhook,
    responses(
        (status = 201, body = WebhookWithSecret),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    Authorized(caller, ..): Authorized<Operator>,
    body: JsonBody<CreateWebhook>,
) -> Result<ShownOnce, Problem> {
    let JsonBody { value, mut unreadable } = body;
    let allowed = &state.context.webhooks.allowed;
    let new = NewWebhook::validate(value.url.as_deref(), value.events.as_deref(), value.description.as_deref(), allowed);
    let new = match new {
        Ok(new) if unreadable.is_empty() => new,
        judged => {
            // A field of the wrong type was already reported.
            let named: Vec<String> = unreadable.iter().map(|fault| fault.field.clone()).collect();
            unreadable.extend(judged.err().into_iter().flatten().filter(|fault| !named.contains(&fault.field)));
            return Err(Problem::validation(unreadable));
        }
    };
    let (webhook, secret) = create(&state.context, &caller, new).await?;
    Ok(shown_once(StatusCode::CREATED, webhook, &secret))
}

impl From<CreateWebhookError> for Problem {
    fn from(error: CreateWebhookError) -> Self {
        match error {
            CreateWebhookError::NoKey => no_key(),
            CreateWebhookError::TooMany => Self::new(
                ProblemKind::Conflict,
                format!("There are already {MOST} webhooks, which is the limit. Delete one that you no longer need."),
            ),
            CreateWebhookError::Store(error) => error.into(),
        }
    }
}
