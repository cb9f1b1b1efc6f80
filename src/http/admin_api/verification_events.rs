//! `GET /v1/verifications/{id}/events`

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;

use crate::domain::identity::Identity;
use crate::domain::ids::VerificationId;
use crate::domain::message::Audience;
use crate::http::AppState;
use crate::http::auth::{Authorized, Reader};
use crate::http::conventions::extract::InPath;
use crate::http::conventions::problem::{self, Problem};
use crate::http::tenant_requests::events::{StreamedEvent, event};
use crate::http::verification_stream::{self, StreamReader, VerificationSse};

/// Stream a verification's events
///
/// Server-sent events: `attempt` when an attempt starts or is scheduled, `check` for each finding, and `finished` with the
/// complete verification at the end. Each event has an ID; send it in `Last-Event-ID` to continue after it. A stream ends
/// after two minutes; reconnect to continue. An identity can have 32 streams at once.
#[utoipa::path(
    operation_id = "streamVerificationEvents",
    get, path = "/v1/verifications/{id}/events", tag = "verifications",
    params(
        ("id" = String, Path, description = "The verification's ID"),
        ("last-event-id" = Option<i32>, Header, description = "The ID of the last event that you received"),
    ),
    responses(
        (status = 200, content_type = "text/event-stream", body = StreamedEvent),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
        (status = 503, body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    _: Authorized<Reader>,
    Extension(identity): Extension<Arc<Identity>>,
    InPath(id): InPath<VerificationId>,
    headers: HeaderMap,
) -> Result<VerificationSse, Problem> {
    verification_stream::respond(&state, StreamReader::of(&identity), id, &headers, |number, happened, vendor| {
        event(number, happened, vendor, Audience::Operations)
    })
    .await
}
