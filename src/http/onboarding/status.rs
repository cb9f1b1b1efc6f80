//! `GET /onboard`: redirects to the step that the tenant has reached.

use axum::response::Redirect;

use super::session::OnboardSession;
use crate::domain::tenant::TenantStatus;

pub(crate) async fn handle(visitor: OnboardSession) -> Redirect {
    let nothing_sent = visitor.tenant.facts.newest.is_none() && visitor.tenant.status() != TenantStatus::Active;
    Redirect::to(if nothing_sent { "/onboard/apply" } else { "/onboard/verify" })
}
