//! `GET /onboard`: redirects to the step that the tenant has reached.

use axum::extract::State;
use axum::response::Redirect;

use super::rejection::Rejection;
use super::session::OnboardSession;
use crate::domain::tenant::TenantStatus;
use crate::domain::verification::VerificationState;
use crate::http::AppState;
use crate::service::document_versions;

pub(crate) async fn handle(State(state): State<AppState>, session: OnboardSession) -> Result<Redirect, Rejection> {
    let (facts, status) = (&session.tenant.facts, session.tenant.status());
    let nothing_sent = facts.newest.is_none() && status != TenantStatus::Active;
    // Whose storage works has nothing to do but to update its documents, if they have changed.
    let is_idle = status == TenantStatus::Active && matches!(facts.newest, Some((VerificationState::Finished, _)));
    let has_update = is_idle && document_versions::update_of(&state.context, session.tenant.id).await?.is_some();
    Ok(Redirect::to(if nothing_sent || has_update {
        "/onboard/apply"
    } else {
        "/onboard/verify"
    }))
}
