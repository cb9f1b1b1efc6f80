//! `GET /document-versions`: which version of the documents tenants are on, the campaigns, and the form for a new one.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use crate::domain::campaign::CampaignPreview;
use crate::domain::text::FieldError;
use crate::http::AppState;
use crate::http::admin_api::campaigns::start::StartCampaign;
use crate::http::auth::{Operator, Reader};
use crate::http::conventions::problem::Problem;
use crate::http::dashboard::shared::layout::{Layout, Section};
use crate::http::dashboard::shared::notice::{Notice, PageQuery};
use crate::http::dashboard::shared::relative_time::RelativeTime;
use crate::http::dashboard::shared::session::{DashboardSession, DashboardUser, Posted};
use crate::http::web_ui::{render, sentence};
use crate::service::{campaigns, document_versions};

/// How many campaigns are listed.
const CAMPAIGNS: i64 = 20;

/// The fields as they were submitted.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct CampaignForm {
    #[serde(default)]
    message: String,
    #[serde(default)]
    deadline: String,
    /// The button: only count the tenants.
    preview: Option<String>,
}

#[derive(Template)]
#[template(path = "dashboard/pages/document_versions.html")]
struct Page<'a> {
    frame: Layout<'a>,
    current: i32,
    outdated: i64,
    unverified: i64,
    versions: Vec<VersionRow>,
    campaigns: Vec<CampaignRow>,
    typed: &'a CampaignForm,
    /// The errors, by field.
    faults: Vec<(String, String)>,
    preview: Option<CampaignPreview>,
    mail_is_on: bool,
}

struct VersionRow {
    number: i32,
    is_current: bool,
    seen: RelativeTime,
    tenants: i64,
    /// For each mode, a sentence without a subject.
    changes: Vec<(String, String)>,
}

struct CampaignRow {
    path: String,
    version: i32,
    message: String,
    created: RelativeTime,
    is_open: bool,
}

pub(crate) async fn handle(
    State(state): State<AppState>,
    DashboardUser(session, ..): DashboardUser<Reader>,
    Query(query): Query<PageQuery>,
) -> Result<Response, Problem> {
    shown(&state, &session, &query, &CampaignForm::default(), &[], None).await
}

async fn shown(
    state: &AppState,
    session: &DashboardSession,
    query: &PageQuery,
    typed: &CampaignForm,
    faults: &[FieldError],
    preview: Option<CampaignPreview>,
) -> Result<Response, Problem> {
    let context = &state.context;
    let now = context.clock.now();
    let list = document_versions::list(context).await?;
    let campaigns = campaigns::list(context, None, CAMPAIGNS).await?;
    let versions = list.versions.into_iter().map(|listed| VersionRow {
        number: listed.version.number,
        is_current: listed.is_current,
        seen: RelativeTime::of(listed.version.first_seen_at, now),
        tenants: listed.tenants,
        changes: listed
            .changes
            .into_iter()
            .flat_map(|(kind, changes)| changes.into_iter().map(move |change| (kind.to_string(), change.summary)))
            .collect(),
    });
    let page = Page {
        frame: Layout {
            notice: query.notice(),
            ..Layout::new(state, session, Section::Documents, "Documents")
        },
        current: list.current,
        outdated: list.outdated,
        unverified: list.unverified,
        versions: versions.collect(),
        campaigns: campaigns
            .into_iter()
            .map(|campaign| CampaignRow {
                path: format!("/campaigns/{}", campaign.id),
                version: campaign.version,
                message: campaign.message.to_string(),
                created: RelativeTime::of(campaign.created_at, now),
                is_open: campaign.ended_at.is_none(),
            })
            .collect(),
        typed,
        faults: faults.iter().map(|fault| (fault.field.clone(), sentence(&fault.detail))).collect(),
        preview,
        mail_is_on: context.mail.is_some(),
    };
    let status = if faults.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    Ok((status, render(&page)).into_response())
}

/// `POST /campaigns`
pub(crate) async fn start(
    State(state): State<AppState>,
    Posted { session, form, .. }: Posted<Operator, CampaignForm>,
) -> Result<Response, Problem> {
    let wanted = StartCampaign {
        message: Some(form.message.clone()),
        deadline: Some(form.deadline.clone()).filter(|text| !text.trim().is_empty()),
        ..StartCampaign::default()
    };
    let query = PageQuery::default();
    let new = match wanted.validate(&state.context, Vec::new()) {
        Ok(new) => new,
        Err(faults) => return shown(&state, &session, &query, &form, &faults, None).await,
    };
    if form.preview.is_some() {
        let preview = campaigns::preview(&state.context, &new).await?;
        return shown(&state, &session, &query, &form, &[], Some(preview)).await;
    }
    let campaign = campaigns::start(&state.context, &session.caller, new).await?;
    Ok(Redirect::to(&Notice::CampaignStarted.at(&format!("/campaigns/{}", campaign.id))).into_response())
}
