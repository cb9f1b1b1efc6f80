//! `GET /v1/verifications/{id}/events`

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::Event;
use utoipa::ToSchema;

use crate::domain::identity::Identity;
use crate::domain::ids::VerificationId;
use crate::domain::vendor::Vendor;
use crate::domain::verification::VerificationEvent;
use crate::http::AppState;
use crate::http::auth::{Authorized, Reader};
use crate::http::conventions::extract::InPath;
use crate::http::conventions::problem::{self, Problem};
use crate::http::verification_stream::{self, StreamReader, VerificationSse};
use crate::http::views::{AttemptView, CheckView, VerificationView};

/// An event of the stream.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it describes what is written to the stream")]
pub(crate) struct StreamedEvent {
    /// Send this in `Last-Event-ID` to continue after this event.
    id: String,
    event: StreamedEventName,
    /// The attempt, the check or the verification, as JSON.
    data: String,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[allow(dead_code, reason = "it describes what is written to the stream")]
pub(crate) enum StreamedEventName {
    Attempt,
    Check,
    Finished,
}

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
    verification_stream::respond(&state, StreamReader::of(&identity), id, &headers, event).await
}

fn event(number: i32, event: VerificationEvent, vendor: &Vendor) -> Event {
    let frame = Event::default().id(number.to_string());
    let written = match event {
        VerificationEvent::Attempt(attempt) => frame.event("attempt").json_data(AttemptView::from(attempt)),
        VerificationEvent::Check(finding) => frame.event("check").json_data(CheckView::new(*finding, vendor)),
        VerificationEvent::Finished(verification) => frame.event("finished").json_data(VerificationView::new(*verification, vendor)),
    };
    written.unwrap_or_default()
}
