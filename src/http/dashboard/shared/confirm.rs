//! Pages that say what will happen, and ask whether it shall.

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

/// A form that has nothing but its button.
#[derive(Debug, Deserialize)]
pub struct Nothing {}

/// What a page with a reason sends.
#[derive(Debug, Default, Deserialize)]
pub struct Because {
    #[serde(default)]
    pub reason: String,
    /// The tenant's slug, typed so that it is not the wrong one.
    #[serde(default)]
    pub slug: String,
}

/// What is asked.
pub struct Question {
    pub title: String,
    /// What will happen, each in a sentence.
    pub happens: Vec<String>,
    /// What the button does, in a word or two.
    pub button: &'static str,
    /// The last part of the path that it is posted to.
    pub action: &'static str,
    pub reason: bool,
    /// It cannot be taken back: the slug has to be typed.
    pub is_final: bool,
}

#[derive(Template)]
#[template(path = "dashboard/pages/confirm.html")]
struct Page<'a> {
    frame: Layout<'a>,
    tenant: &'a Tenant,
    path: String,
    question: Question,
    typed: &'a Because,
    reason_fault: Option<String>,
    slug_fault: Option<String>,
}

/// The question, with nothing typed yet.
pub fn ask(state: &AppState, person: &DashboardSession, tenant: &Tenant, question: Question) -> Response {
    page(state, person, tenant, question, &Because::default(), None, None)
}

/// The reason that was typed, or the question again with what is wrong.
pub fn judge(
    state: &AppState,
    person: &DashboardSession,
    tenant: &Tenant,
    question: Question,
    typed: &Because,
) -> Result<AuditReason, Box<Response>> {
    let reason = AuditReason::parse(&typed.reason);
    let other = question.is_final && typed.slug.trim() != tenant.slug.as_str();
    match reason {
        Ok(reason) if !other => Ok(reason),
        reason => {
            let reason_fault = reason.err().map(|malformed| sentence(&malformed.detail));
            let slug_fault = other.then(|| format!("Type {} to confirm that this is the right tenant.", tenant.slug));
            Err(Box::new(page(state, person, tenant, question, typed, reason_fault, slug_fault)))
        }
    }
}

fn page(
    state: &AppState,
    person: &DashboardSession,
    tenant: &Tenant,
    question: Question,
    typed: &Because,
    reason_fault: Option<String>,
    slug_fault: Option<String>,
) -> Response {
    let status = if reason_fault.is_some() || slug_fault.is_some() {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    let page = Page {
        frame: Layout::new(state, person, Section::Tenants, &question.title),
        path: tenant_path(tenant),
        tenant,
        question,
        typed,
        reason_fault,
        slug_fault,
    };
    (status, render(&page)).into_response()
}
