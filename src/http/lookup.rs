//! Looks up the object that a path names, or returns a 404 problem.

use super::AppState;
use super::conventions::problem::{Problem, ProblemKind};
use crate::domain::ids::{TenantRef, WebhookId};
use crate::domain::tenant::Tenant;
use crate::domain::webhook::Webhook;
use crate::service::{read, webhooks};

pub(crate) async fn find_tenant(state: &AppState, tenant: &TenantRef) -> Result<Tenant, Problem> {
    read::tenants::find(&state.context, tenant)
        .await?
        .ok_or_else(Problem::unknown_tenant)
}

pub(crate) async fn find_webhook(state: &AppState, id: WebhookId) -> Result<Webhook, Problem> {
    webhooks::find(&state.context, id).await?.ok_or_else(unknown_webhook)
}

pub(crate) fn unknown_webhook() -> Problem {
    Problem::new(ProblemKind::NotFound, "There is no webhook with this ID.")
}
