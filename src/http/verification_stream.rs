//! Event streams (server-sent events) of a verification, for the APIs, the dashboard and the form, and waiting for its end.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderMap;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive, KeepAliveStream};
use futures::stream::{self, BoxStream, Stream, StreamExt as _};
use tokio_util::sync::CancellationToken;

use super::AppState;
use super::conventions::problem::{Problem, ProblemKind};
use super::permits::{Full, Permit, Permits};
use crate::clock::SharedClock;
use crate::domain::identity::Identity;
use crate::domain::ids::{InviteId, VerificationId};
use crate::domain::vendor::Vendor;
use crate::domain::verification::VerificationEvent;
use crate::service::verification_feed::{FeedReader, VerificationFeeds};
use crate::service::verification_notifications::VerificationNotifications;
use crate::service::{Context, read};

/// The interval between keep-alive comments, so that proxies do not close an idle connection.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How long a stream lasts. Its client then reconnects, and is authenticated again.
const LONGEST: Duration = Duration::from_mins(2);

/// The maximum number of streams of this process.
const MOST: usize = 2_000;

/// When a refused client should retry.
const RETRY_SECONDS: u32 = 10;

/// The reader of a stream.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum StreamReader {
    Invite(InviteId),
    Identity(String),
}

impl StreamReader {
    pub(crate) fn of(identity: &Identity) -> Self {
        Self::Identity(identity.actor.opaque())
    }

    /// The maximum number of streams at once.
    fn limit(&self) -> usize {
        match self {
            Self::Invite(_) => 8,
            Self::Identity(_) => 32,
        }
    }
}

/// The streams of this process. Clones share them.
#[derive(Debug, Clone)]
pub struct VerificationStreams {
    /// Its queries are shared by the readers of both listeners.
    context: Context,
    feeds: VerificationFeeds,
    permits: Arc<Permits<StreamReader>>,
}

impl VerificationStreams {
    pub fn new(context: Context, notifications: VerificationNotifications) -> Self {
        Self {
            feeds: VerificationFeeds::new(context.clock.clone(), notifications),
            context,
            permits: Arc::new(Permits::new(MOST)),
        }
    }

    /// Reads a verification's events after the given one.
    fn read(&self, id: VerificationId, after: i32) -> FeedReader {
        let context = self.context.clone();
        self.feeds.read(id, after, move |after| {
            let context = context.clone();
            async move { read::verifications::events_after(&context, id, after).await }
        })
    }
}

/// Converts an event for its audience.
pub(crate) type EventWriter = fn(i32, VerificationEvent, &Vendor) -> Event;

/// The response with a stream.
pub(crate) type VerificationSse = Sse<KeepAliveStream<BoxStream<'static, Result<Event, Infallible>>>>;

/// Streams the verification's events after the last one that the client received, each converted by `write`.
pub(crate) async fn respond(
    state: &AppState,
    reader: StreamReader,
    id: VerificationId,
    headers: &HeaderMap,
    write: EventWriter,
) -> Result<VerificationSse, Problem> {
    let after = last_event_id(headers)?;
    let permit = permit(state, reader)?;
    read::verifications::find(&state.context, id)
        .await?
        .ok_or_else(Problem::unknown_verification)?;
    let reader = state.streams.read(id, after);
    let vendor = state.context.vendor.clone();
    let events = stream::unfold((reader, permit), |(mut reader, permit)| async move {
        let events = reader.next().await?;
        Some((events, (reader, permit)))
    })
    .flat_map(stream::iter)
    .map(move |(number, event)| Ok(write(number, event, &vendor)));
    let events = until_it_ends(events, &state.context.clock, state.shutdown.clone());
    Ok(Sse::new(events.boxed()).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

/// Waits until the verification has finished, the time is over, or the process shuts down. Counts as a stream of the reader.
pub(crate) async fn wait_until_finished(
    state: &AppState,
    reader: StreamReader,
    id: VerificationId,
    at_most: Duration,
) -> Result<(), Problem> {
    let _permit = permit(state, reader)?;
    let mut reader = state.streams.read(id, 0);
    // The events end when it has finished.
    let finished = async { while reader.next().await.is_some() {} };
    tokio::select! {
        () = finished => {}
        () = state.context.clock.sleep(at_most) => {}
        () = state.shutdown.cancelled() => {}
    }
    Ok(())
}

fn permit(state: &AppState, reader: StreamReader) -> Result<Permit<StreamReader>, Problem> {
    let limit = reader.limit();
    state.streams.permits.take(Some((reader, limit))).map_err(|full| {
        let problem = match full {
            Full::Holder => Problem::new(
                ProblemKind::TooManyRequests,
                format!("You can have at most {limit} event streams, or requests that wait, open at once."),
            ),
            Full::Total => Problem::new(
                ProblemKind::Unavailable,
                "This process has reached its limit of open event streams. Try again later.",
            ),
        };
        problem.retry_after(RETRY_SECONDS)
    })
}

/// Ends a stream after its maximum duration, or when the process shuts down.
fn until_it_ends<S: Stream>(events: S, clock: &SharedClock, shutdown: CancellationToken) -> impl Stream<Item = S::Item> + use<S> {
    let long_enough = clock.sleep(LONGEST);
    events.take_until(async move {
        shutdown.run_until_cancelled(long_enough).await;
    })
}

/// The ID of the last event that the client received.
fn last_event_id(headers: &HeaderMap) -> Result<i32, Problem> {
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

/// An event without content, for pages that reload their data on any event.
#[expect(clippy::needless_pass_by_value, reason = "required by `EventWriter`")]
pub(crate) fn change_notification(number: i32, happened: VerificationEvent, _: &Vendor) -> Event {
    let name = match happened {
        VerificationEvent::Finished(_) => "finished",
        _ => "changed",
    };
    Event::default().id(number.to_string()).event(name).data(number.to_string())
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "tests pause tokio's clock")]
mod tests {
    use tokio::time::Instant;

    use super::*;
    use crate::clock::SystemClock;

    #[tokio::test(start_paused = true)]
    async fn a_stream_ends_after_its_maximum_duration() {
        let (clock, shutdown): (SharedClock, _) = (Arc::new(SystemClock), CancellationToken::new());
        let begin = Instant::now();
        let events = until_it_ends(stream::pending::<()>(), &clock, shutdown.clone());
        assert_eq!(events.collect::<Vec<_>>().await, []);
        assert!((LONGEST..LONGEST + Duration::from_secs(1)).contains(&begin.elapsed()));

        shutdown.cancel();
        let begin = Instant::now();
        until_it_ends(stream::pending::<()>(), &clock, shutdown).collect::<Vec<_>>().await;
        assert_eq!(begin.elapsed(), Duration::ZERO, "shutdown ends it");
    }
}
