//! Pages that ask for confirmation, and say what will happen.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use crate::domain::audit::AuditReason;
use crate::domain::tenant::Tenant;
use crate::http::AppState;
use crate::http::dashboard::shared::layout::{Layout, Section};
use crate::http::dashboard::shared::paths::tenant_path;
use crate::http::dashboard::shared::session::DashboardSession;
use crate::http::web_ui::{render, sentence};

/// A form without fields.
#[derive(Debug, Deserialize)]
pub(crate) struct EmptyForm {}

/// A submitted confirmation.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct ReasonForm {
    #[serde(default)]
    pub reason: String,
    /// The tenant's slug, entered again to prevent mistakes.
    #[serde(default)]
    pub slug: String,
}

/// The content of a confirmation page.
pub(crate) struct Question {
    pub title: String,
    /// What will happen, as sentences.
    pub happens: Vec<String>,
    /// The button's label.
    pub button: &'static str,
    /// The path that the form is posted to, below the tenant's.
    pub action: String,
    pub reason: bool,
    /// The action cannot be undone, so the slug must be entered.
    pub is_final: bool,
}

#[derive(Template)]
#[template(path = "dashboard/pages/confirm.html")]
struct Page<'a> {
    frame: Layout<'a>,
    tenant: &'a Tenant,
    path: String,
    question: Question,
    typed: &'a ReasonForm,
    reason_fault: Option<String>,
    slug_fault: Option<String>,
}

/// The page, with empty fields.
pub(crate) fn ask(state: &AppState, session: &DashboardSession, tenant: &Tenant, question: Question) -> Response {
    page(state, session, tenant, question, &ReasonForm::default(), None, None)
}

/// The submitted reason, or the page again with errors.
pub(crate) fn validate(
    state: &AppState,
    session: &DashboardSession,
    tenant: &Tenant,
    question: Question,
    typed: &ReasonForm,
) -> Result<AuditReason, Box<Response>> {
    let reason = AuditReason::parse(&typed.reason);
    let other = question.is_final && typed.slug.trim() != tenant.slug.as_str();
    match reason {
        Ok(reason) if !other => Ok(reason),
        reason => {
            let reason_fault = reason.err().map(|malformed| sentence(&malformed.detail));
            let slug_fault = other.then(|| format!("Type {} to confirm that this is the right tenant.", tenant.slug));
            Err(Box::new(page(state, session, tenant, question, typed, reason_fault, slug_fault)))
        }
    }
}

fn page(
    state: &AppState,
    session: &DashboardSession,
    tenant: &Tenant,
    question: Question,
    typed: &ReasonForm,
    reason_fault: Option<String>,
    slug_fault: Option<String>,
) -> Response {
    let status = if reason_fault.is_some() || slug_fault.is_some() {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    let page = Page {
        frame: Layout::new(state, session, Section::Tenants, &question.title),
        path: tenant_path(tenant),
        tenant,
        question,
        typed,
        reason_fault,
        slug_fault,
    };
    (status, render(&page)).into_response()
}
