//! `GET /onboard/verify/events`: notifies the page of new events in the tenant's newest verification. The page then fetches
//! its content again, so that a revoked invite reveals nothing.

use axum::extract::State;
use axum::http::HeaderMap;

use super::rejection::Rejection;
use super::session::OnboardSession;
use crate::http::AppState;
use crate::http::verification_stream::{StreamReader, VerificationSse, change_notification, respond};
use crate::service::read;

pub(crate) async fn handle(
    State(state): State<AppState>,
    session: OnboardSession,
    headers: HeaderMap,
) -> Result<VerificationSse, Rejection> {
    let newest = read::verifications::list(&state.context, session.tenant.id, None, 1)
        .await?
        .pop()
        .ok_or(Rejection::NotFound)?;
    let reader = StreamReader::Invite(session.invite.id);
    Ok(respond(&state, reader, newest.id, &headers, change_notification).await?)
}
