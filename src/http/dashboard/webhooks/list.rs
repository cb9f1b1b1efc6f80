//! `/webhooks`: the list of webhooks and their state, and the form for a new one.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use secrecy::ExposeSecret;
use serde::Deserialize;

use crate::domain::text::FieldError;
use crate::domain::webhook::new::NewWebhook;
use crate::domain::webhook::{MOST, Topic};
use crate::http::AppState;
use crate::http::auth::Operator;
use crate::http::conventions::problem::Problem;
use crate::http::dashboard::shared::layout::{Layout, Section};
use crate::http::dashboard::shared::notice::PageQuery;
use crate::http::dashboard::shared::one_time_secret;
use crate::http::dashboard::shared::relative_time::RelativeTime;
use crate::http::dashboard::shared::session::{DashboardSession, DashboardUser, Posted};
use crate::http::web_ui::{render, sentence};
use crate::service::webhooks;

/// The fields as they were submitted.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct WebhookForm {
    #[serde(default)]
    pub url: String,
    #[serde(default)]
    pub description: String,
    status_changed: Option<String>,
    verification_finished: Option<String>,
    approval_requested: Option<String>,
    activated: Option<String>,
}

#[derive(Template)]
#[template(path = "dashboard/pages/webhooks.html")]
struct Page<'a> {
    frame: Layout<'a>,
    rows: Vec<WebhookRow>,
    typed: &'a WebhookForm,
    /// The errors, by field.
    faults: Vec<(String, String)>,
    /// A key for deriving signing secrets is configured.
    has_key: bool,
}

struct WebhookRow {
    id: String,
    url: String,
    description: Option<String>,
    topics: String,
    disabled: bool,
    waiting: Option<RelativeTime>,
    created: RelativeTime,
}

impl WebhookForm {
    /// The default: all events selected.
    fn all() -> Self {
        let on = Some("on".to_owned());
        Self {
            status_changed: on.clone(),
            verification_finished: on.clone(),
            approval_requested: on.clone(),
            activated: on,
            ..Self::default()
        }
    }

    fn topics(&self) -> Vec<String> {
        let ticked = [
            (Topic::TenantStatusChanged, &self.status_changed),
            (Topic::VerificationFinished, &self.verification_finished),
            (Topic::ApprovalRequested, &self.approval_requested),
            (Topic::StorageConfigActivated, &self.activated),
        ];
        ticked
            .into_iter()
            .filter(|(_, ticked)| ticked.is_some())
            .map(|(topic, _)| topic.to_string())
            .collect()
    }
}

pub(crate) async fn handle(
    State(state): State<AppState>,
    DashboardUser(session, ..): DashboardUser<Operator>,
    Query(query): Query<PageQuery>,
) -> Result<Response, Problem> {
    shown(&state, &session, &query, &WebhookForm::all(), &[]).await
}

async fn shown(
    state: &AppState,
    session: &DashboardSession,
    query: &PageQuery,
    typed: &WebhookForm,
    faults: &[FieldError],
) -> Result<Response, Problem> {
    let now = state.context.clock.now();
    let found = webhooks::list(&state.context, None, MOST).await?;
    let rows = found.into_iter().map(|webhook| WebhookRow {
        id: webhook.id.to_string(),
        url: webhook.url.as_str().to_owned(),
        description: webhook.description.map(|description| description.to_string()),
        topics: webhook.topics.iter().map(Topic::to_string).collect::<Vec<_>>().join(", "),
        disabled: webhook.disabled_at.is_some(),
        waiting: webhook.waiting_since.map(|at| RelativeTime::of(at, now)),
        created: RelativeTime::of(webhook.created_at, now),
    });
    let page = Page {
        frame: Layout {
            notice: query.notice(),
            ..Layout::new(state, session, Section::Webhooks, "Webhooks")
        },
        rows: rows.collect(),
        typed,
        faults: faults.iter().map(|fault| (fault.field.clone(), sentence(&fault.detail))).collect(),
        has_key: state.context.webhooks.keys.first().is_some(),
    };
    let status = if faults.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    Ok((status, render(&page)).into_response())
}

pub(crate) async fn create(
    State(state): State<AppState>,
    headers: HeaderMap,
    Posted { session, form, .. }: Posted<Operator, WebhookForm>,
) -> Result<Response, Problem> {
    let topics = form.topics();
    let description = Some(form.description.as_str()).filter(|text| !text.trim().is_empty());
    let new = match NewWebhook::validate(Some(&form.url), Some(&topics), description, &state.context.webhooks.allowed) {
        Ok(new) => new,
        Err(faults) => return shown(&state, &session, &PageQuery::default(), &form, &faults).await,
    };
    let (webhook, secret) = webhooks::create(&state.context, &session.caller, new).await?;
    let path = format!("/webhooks/{}", webhook.id);
    Ok(one_time_secret::redirect_with(
        &headers,
        webhook.id.as_uuid(),
        secret.expose_secret(),
        &path,
    ))
}
