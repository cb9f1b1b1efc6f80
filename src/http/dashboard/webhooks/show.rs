//! `/webhooks/{id}`: a webhook with its recent deliveries, and the actions for them.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::ExposeSecret;
use serde::Deserialize;

use crate::domain::ids::{DeliveryId, WebhookId};
use crate::domain::text::words;
use crate::domain::webhook::{Delivery, DeliveryState, Topic, Webhook};
use crate::http::AppState;
use crate::http::auth::Operator;
use crate::http::conventions::extract::InPath;
use crate::http::conventions::problem::Problem;
use crate::http::dashboard::shared::confirm::EmptyForm;
use crate::http::dashboard::shared::layout::{Layout, Section};
use crate::http::dashboard::shared::notice::{Notice, PageQuery};
use crate::http::dashboard::shared::one_time_secret;
use crate::http::dashboard::shared::relative_time::RelativeTime;
use crate::http::dashboard::shared::session::{DashboardUser, Posted};
use crate::http::lookup::{find_webhook, unknown_webhook};
use crate::http::web_ui::render;
use crate::http::web_ui::status::{Pill, PillColor};
use crate::service::webhooks;

/// How many deliveries are shown.
const DELIVERIES: i64 = 50;

#[derive(Template)]
#[template(path = "dashboard/pages/webhook.html")]
struct Page<'a> {
    frame: Layout<'a>,
    webhook: &'a Webhook,
    path: String,
    topics: String,
    created: RelativeTime,
    disabled: Option<RelativeTime>,
    /// Only on the first view after creation or rotation.
    secret: Option<String>,
    /// When messages stop being signed with the previous secret too.
    overlap: Option<RelativeTime>,
    deliveries: Vec<DeliveryRow>,
}

struct DeliveryRow {
    id: String,
    kind: String,
    tenant: Option<String>,
    pill: Pill,
    created: RelativeTime,
    next: Option<RelativeTime>,
    attempts: usize,
    /// The result of the last attempt.
    last: String,
}

impl DeliveryRow {
    fn of(delivery: &Delivery, now: DateTime<Utc>) -> Self {
        let (color, word) = match delivery.state {
            DeliveryState::Waiting => (PillColor::Blue, "Waiting"),
            DeliveryState::Delivered => (PillColor::Green, "Delivered"),
            DeliveryState::GivenUp => (PillColor::Red, "Given up"),
        };
        let last = delivery.attempts.last().map(|attempt| {
            let status = attempt.status.map(|status| format!("status {status}"));
            let failure = attempt.failure.map(|failure| words(&failure.to_string()));
            let took = attempt.duration_ms.map(|duration| format!("{duration} ms"));
            [failure, status, took].into_iter().flatten().collect::<Vec<_>>().join(", ")
        });
        Self {
            id: delivery.id.to_string(),
            kind: delivery.kind.to_string(),
            tenant: delivery.tenant_id.map(|tenant| tenant.to_string()),
            pill: Pill::new(color, word),
            created: RelativeTime::of(delivery.created_at, now),
            next: delivery.next_attempt_at.map(|at| RelativeTime::of(at, now)),
            attempts: delivery.attempts.len(),
            last: last.unwrap_or_default(),
        }
    }
}

pub(crate) async fn handle(
    State(state): State<AppState>,
    DashboardUser(session, ..): DashboardUser<Operator>,
    headers: HeaderMap,
    InPath(id): InPath<WebhookId>,
    Query(query): Query<PageQuery>,
) -> Result<Response, Problem> {
    let now = state.context.clock.now();
    let webhook = find_webhook(&state, id).await?;
    let deliveries = webhooks::delivery_list(&state.context, id, None, DELIVERIES).await?;
    let previous = webhook.signing.previous.as_ref().filter(|(_, until)| *until > now);
    let page = Page {
        frame: Layout {
            notice: query.notice(),
            ..Layout::new(&state, &session, Section::Webhooks, "Webhook")
        },
        path: format!("/webhooks/{id}"),
        topics: webhook.topics.iter().map(Topic::to_string).collect::<Vec<_>>().join(", "),
        created: RelativeTime::of(webhook.created_at, now),
        disabled: webhook.disabled_at.map(|at| RelativeTime::of(at, now)),
        secret: one_time_secret::take(&headers, id.as_uuid()),
        overlap: previous.map(|(_, until)| RelativeTime::of(*until, now)),
        deliveries: deliveries.iter().map(|delivery| DeliveryRow::of(delivery, now)).collect(),
        webhook: &webhook,
    };
    Ok((one_time_secret::forget(&headers), render(&page)).into_response())
}

pub(crate) async fn test(
    State(state): State<AppState>,
    InPath(id): InPath<WebhookId>,
    Posted { session, .. }: Posted<Operator, EmptyForm>,
) -> Result<Redirect, Problem> {
    webhooks::resend::test(&state.context, &session.caller, id).await?;
    Ok(Redirect::to(&Notice::TestSent.at(&format!("/webhooks/{id}"))))
}

pub(crate) async fn resend(
    State(state): State<AppState>,
    InPath(id): InPath<WebhookId>,
    InPath(delivery): InPath<DeliveryId>,
    Posted { session, .. }: Posted<Operator, EmptyForm>,
) -> Result<Redirect, Problem> {
    webhooks::resend::resend(&state.context, &session.caller, id, delivery).await?;
    Ok(Redirect::to(&Notice::SentAgain.at(&format!("/webhooks/{id}"))))
}

/// How long messages are also signed with the previous secret.
#[derive(Debug, Deserialize)]
pub(crate) struct RotateForm {
    overlap: Overlap,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Overlap {
    Day,
    Week,
    /// For a secret that leaked.
    None,
}

pub(crate) async fn rotate_secret(
    State(state): State<AppState>,
    headers: HeaderMap,
    InPath(id): InPath<WebhookId>,
    Posted { session, form, .. }: Posted<Operator, RotateForm>,
) -> Result<Response, Problem> {
    let overlap = match form.overlap {
        Overlap::Day => webhooks::rotate_secret::OVERLAP,
        Overlap::Week => TimeDelta::weeks(1),
        Overlap::None => TimeDelta::zero(),
    };
    let (webhook, secret) = webhooks::rotate_secret::rotate_secret(&state.context, &session.caller, id, overlap).await?;
    let path = format!("/webhooks/{}", webhook.id);
    Ok(one_time_secret::redirect_with(
        &headers,
        webhook.id.as_uuid(),
        secret.expose_secret(),
        &path,
    ))
}

pub(crate) async fn enable(
    State(state): State<AppState>,
    InPath(id): InPath<WebhookId>,
    Posted { session, .. }: Posted<Operator, EmptyForm>,
) -> Result<Redirect, Problem> {
    let enabled = webhooks::enable(&state.context, &session.caller, id).await?;
    enabled.ok_or_else(unknown_webhook)?;
    Ok(Redirect::to(&Notice::WebhookEnabled.at(&format!("/webhooks/{id}"))))
}

pub(crate) async fn delete(
    State(state): State<AppState>,
    InPath(id): InPath<WebhookId>,
    Posted { session, .. }: Posted<Operator, EmptyForm>,
) -> Result<Redirect, Problem> {
    if !webhooks::delete(&state.context, &session.caller, id).await? {
        return Err(unknown_webhook());
    }
    Ok(Redirect::to(&Notice::WebhookDeleted.at("/webhooks")))
}
