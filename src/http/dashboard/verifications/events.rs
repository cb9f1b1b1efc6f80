//! `GET /tenants/{tenant}/verifications/{id}/events`: notifies the page of new events in a verification. The page then
//! fetches its content again.

use axum::extract::State;
use axum::http::HeaderMap;

use crate::domain::ids::VerificationId;
use crate::http::AppState;
use crate::http::auth::Reader;
use crate::http::conventions::extract::InPath;
use crate::http::conventions::problem::Problem;
use crate::http::dashboard::shared::session::DashboardUser;
use crate::http::verification_stream::{StreamReader, VerificationSse, change_notification, respond};

pub(crate) async fn handle(
    State(state): State<AppState>,
    DashboardUser(session, ..): DashboardUser<Reader>,
    InPath(id): InPath<VerificationId>,
    headers: HeaderMap,
) -> Result<VerificationSse, Problem> {
    respond(&state, StreamReader::of(&session.identity), id, &headers, change_notification).await
}
