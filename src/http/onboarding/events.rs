//! `GET /onboard/verify/events`: notifies the page of new events in the verification that it shows. The page then fetches its
//! content again, so that a revoked invite reveals nothing.

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
    let (_, newest) = read::verifications::of_newest_version(&state.context, session.tenant.id)
        .await?
        .ok_or(Rejection::NotFound)?;
    let reader = StreamReader::Invite(session.invite.id);
    Ok(respond(&state, reader, newest.id, &headers, change_notification).await?)
}
