//! `GET /tenants/{tenant}/verifications/{id}/events`: that something happened in a verification. What it was is on the page,
//! which is asked for anew.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State as Extract;
use axum::http::HeaderMap;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures::stream::{Stream, StreamExt as _};

use crate::domain::ids::VerificationId;
use crate::http::AppState;
use crate::http::admin_api::verification_events::{KEEP_ALIVE, after, events, that_something_happened};
use crate::http::conventions::extract::InPath;
use crate::http::conventions::problem::Problem;
use crate::http::dashboard::shared::session::Reader;

/// After which a reader has to come again, signed in.
const LONGEST: Duration = Duration::from_mins(2);

pub async fn handle(
    Extract(state): Extract<AppState>,
    _reader: Reader,
    InPath(id): InPath<VerificationId>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let long_enough = state.context.clock.sleep(LONGEST);
    let events = events(state, id, after(&headers)?, that_something_happened).await?;
    Ok(Sse::new(events.take_until(long_enough)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}
