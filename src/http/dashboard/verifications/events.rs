//! `GET /tenants/{tenant}/verifications/{id}/events`: notifies the page of new events in a verification. The page then
//! fetches its content again.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures::stream::{Stream, StreamExt as _};

use crate::domain::ids::VerificationId;
use crate::http::AppState;
use crate::http::admin_api::verification_events::{KEEP_ALIVE, after, change_notification, events};
use crate::http::conventions::extract::InPath;
use crate::http::conventions::problem::Problem;
use crate::http::dashboard::shared::session::Reader;

/// How long a stream lasts before the client has to reconnect, still signed in.
const LONGEST: Duration = Duration::from_mins(2);

pub(crate) async fn handle(
    State(state): State<AppState>,
    _reader: Reader,
    InPath(id): InPath<VerificationId>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let long_enough = state.context.clock.sleep(LONGEST);
    let events = events(state, id, after(&headers)?, change_notification).await?;
    Ok(Sse::new(events.take_until(long_enough)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}
