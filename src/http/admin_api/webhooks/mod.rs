//! `/v1/webhooks`. One file per operation.

mod create;
mod delete;
mod enable;
mod get;
mod get_delivery;
mod list;
mod list_deliveries;
mod resend;
mod rotate_secret;
mod test;

use axum::Json;
use axum::http::{HeaderName, StatusCode, header};
use secrecy::{ExposeSecret, SecretString};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::domain::webhook::Webhook;
use crate::http::AppState;
use crate::http::conventions::problem::{Problem, ProblemKind};
use crate::http::lookup::unknown_webhook;
use crate::http::views::WebhookWithSecret;
use crate::service::webhooks::resend::ResendError;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(create::handle, list::handle))
        .routes(routes!(get::handle, delete::handle))
        .routes(routes!(enable::handle))
        .routes(routes!(test::handle))
        .routes(routes!(rotate_secret::handle))
        .routes(routes!(list_deliveries::handle))
        .routes(routes!(get_delivery::handle))
        .routes(routes!(resend::handle))
}

fn unknown_delivery() -> Problem {
    Problem::new(ProblemKind::NotFound, "This webhook has no delivery with this ID.")
}

/// Signing secrets cannot be derived without the key.
fn no_key() -> Problem {
    let detail = "LATCHKEY_WEBHOOK_KEY is not set, so signing secrets cannot be derived. Set it to 32 random bytes, such as the output of \
                  `openssl rand -hex 32`, for every Latchkey process.";
    Problem::new(ProblemKind::Conflict, detail)
}

impl From<ResendError> for Problem {
    fn from(error: ResendError) -> Self {
        match error {
            ResendError::UnknownWebhook => unknown_webhook(),
            ResendError::UnknownDelivery => unknown_delivery(),
            ResendError::Disabled => Self::new(
                ProblemKind::Conflict,
                "This webhook is disabled and receives nothing. Enable it first.",
            ),
            ResendError::Store(error) => error.into(),
        }
    }
}

/// A response with a secret that is only shown once, so caches must not store it.
type ShownOnce = (StatusCode, [(HeaderName, &'static str); 1], Json<WebhookWithSecret>);

fn shown_once(status: StatusCode, webhook: Webhook, secret: &SecretString) -> ShownOnce {
    let answer = WebhookWithSecret {
        secret: secret.expose_secret().to_owned(),
        about: webhook.into(),
    };
    (status, [(header::CACHE_CONTROL, "no-store")], Json(answer))
}
