//! `GET /onboard/verify/events`: notifies the page of new events in the tenant's newest verification. The page then fetches
//! its content again, so that a revoked invite reveals nothing.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures::stream::{Stream, StreamExt as _};

use super::rejection::Rejection;
use super::session::OnboardSession;
use crate::http::AppState;
use crate::http::admin_api::verification_events::{KEEP_ALIVE, after, change_notification, events};
use crate::service::read;

/// How long a stream lasts before the client has to reconnect with a valid invite.
const LONGEST: Duration = Duration::from_mins(2);

pub(crate) async fn handle(
    State(state): State<AppState>,
    visitor: OnboardSession,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Rejection> {
    let newest = read::verifications::list(&state.context, visitor.tenant.id, None, 1)
        .await?
        .pop()
        .ok_or(Rejection::NotFound)?;
    let long_enough = state.context.clock.sleep(LONGEST);
    let events = events(state, newest.id, after(&headers)?, change_notification).await?;
    Ok(Sse::new(events.take_until(long_enough)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}
