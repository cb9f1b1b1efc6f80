//! `GET /onboard`: redirects to the step that the tenant has reached.

use axum::response::Redirect;

use super::session::OnboardSession;
use crate::domain::tenant::TenantStatus;

pub(crate) async fn handle(session: OnboardSession) -> Redirect {
    let nothing_sent = session.tenant.facts.newest.is_none() && session.tenant.status() != TenantStatus::Active;
    Redirect::to(if nothing_sent { "/onboard/apply" } else { "/onboard/verify" })
}
