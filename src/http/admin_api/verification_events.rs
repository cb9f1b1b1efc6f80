//! `GET /v1/verifications/{id}/events`

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures::stream::{self, Stream, StreamExt};
use tokio::sync::broadcast::error::RecvError;
use tracing::warn;
use utoipa::ToSchema;

use crate::domain::ids::VerificationId;
use crate::domain::vendor::Vendor;
use crate::domain::verification::{VerificationEvent, VerificationState};
use crate::http::AppState;
use crate::http::auth::Reader;
use crate::http::conventions::extract::InPath;
use crate::http::conventions::problem::{self, Problem, ProblemKind};
use crate::http::views::{AttemptView, CheckView, VerificationView};
use crate::service::read;
use crate::service::verification_notifications::Notification;

/// The interval between keep-alive comments, so that proxies do not close an idle connection.
pub(crate) const KEEP_ALIVE: Duration = Duration::from_secs(15);

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
/// complete verification at the end. Each event has an ID; send it in `Last-Event-ID` to continue after it.
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
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    _reader: Reader,
    InPath(id): InPath<VerificationId>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let events = events(state, id, after(&headers)?, event).await?;
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

/// The ID of the last event that the client received.
pub(crate) fn after(headers: &HeaderMap) -> Result<i32, Problem> {
    match headers.get("last-event-id") {
        None => Ok(0),
        Some(value) => value.to_str().ok().and_then(|text| text.parse().ok()).ok_or_else(|| {
            Problem::new(
                ProblemKind::Unreadable,
                "The header `Last-Event-ID` must contain the ID of an event.",
            )
        }),
    }
}

/// Converts an event for its audience.
type EventWriter = fn(i32, VerificationEvent, &Vendor) -> Event;

/// The verification's events after the given one, each converted by `write`. The stream ends with the verification.
pub(crate) async fn events(
    state: AppState,
    id: VerificationId,
    after: i32,
    write: EventWriter,
) -> Result<impl Stream<Item = Result<Event, Infallible>>, Problem> {
    // Subscribe before the first query, so that nothing in between is missed.
    let news = state.notifications.subscribe();
    read::verifications::find(&state.context, id)
        .await?
        .ok_or_else(Problem::unknown_verification)?;
    let stop = state.shutdown.clone();
    let reader = Reading {
        state,
        id,
        after,
        news,
        write,
        looked: false,
        ended: false,
    };
    Ok(stream::unfold(
        reader,
        |mut reader| async move { reader.next().await.map(|events| (events, reader)) },
    )
    .flat_map(stream::iter)
    .map(Ok)
    .take_until(stop.cancelled_owned()))
}

struct Reading {
    state: AppState,
    id: VerificationId,
    after: i32,
    news: tokio::sync::broadcast::Receiver<Notification>,
    write: EventWriter,
    looked: bool,
    ended: bool,
}

impl Reading {
    /// Waits for the next events. None at the end of the stream.
    async fn next(&mut self) -> Option<Vec<Event>> {
        while !self.ended {
            if self.looked && !self.wait().await {
                return None;
            }
            self.looked = true;
            let events = match read::verifications::events_after(&self.state.context, self.id, self.after).await {
                Ok(events) => events,
                Err(error) => {
                    // The client reconnects with the ID of its last event.
                    warn!(%error, "event stream interrupted");
                    return None;
                }
            };
            let Some((last, _)) = events.last() else {
                // The client has every event already.
                self.ended = self.is_finished().await;
                continue;
            };
            self.after = *last;
            self.ended = matches!(events.last(), Some((_, VerificationEvent::Finished(_))));
            return Some(
                events
                    .into_iter()
                    .map(|(number, event)| (self.write)(number, event, &self.state.context.vendor))
                    .collect(),
            );
        }
        None
    }

    async fn is_finished(&self) -> bool {
        let found = read::verifications::find(&self.state.context, self.id).await;
        found.is_ok_and(|found| found.is_none_or(|verification| verification.state == VerificationState::Finished))
    }

    /// Waits for a notification about this verification. False when the process shuts down.
    async fn wait(&mut self) -> bool {
        loop {
            match self.news.recv().await {
                Ok(Notification::Of(id)) if id != self.id => {}
                Ok(_) | Err(RecvError::Lagged(_)) => return true,
                Err(RecvError::Closed) => return false,
            }
        }
    }
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

/// An event without content, for pages that reload their data on any event.
#[expect(clippy::needless_pass_by_value, reason = "required by `EventWriter`")]
pub(crate) fn change_notification(number: i32, event: VerificationEvent, _: &Vendor) -> Event {
    let name = match event {
        VerificationEvent::Finished(_) => "finished",
        _ => "changed",
    };
    Event::default().id(number.to_string()).event(name).data(number.to_string())
}
