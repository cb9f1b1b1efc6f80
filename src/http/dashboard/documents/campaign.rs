//! `GET /campaigns/{id}`: how far a campaign is, and its tenants.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{Redirect, Response};
use serde::Deserialize;
use strum::IntoEnumIterator;

use crate::domain::campaign::{CampaignProgress, CampaignTenantState};
use crate::domain::ids::CampaignId;
use crate::domain::tenant::TenantStatus;
use crate::domain::text::{capital, words};
use crate::http::AppState;
use crate::http::auth::{Operator, Reader};
use crate::http::conventions::extract::InPath;
use crate::http::conventions::paging::PageParams;
use crate::http::conventions::problem::Problem;
use crate::http::dashboard::shared::confirm::EmptyForm;
use crate::http::dashboard::shared::layout::{Layout, Section};
use crate::http::dashboard::shared::notice::Notice;
use crate::http::dashboard::shared::relative_time::RelativeTime;
use crate::http::dashboard::shared::session::{DashboardUser, Posted};
use crate::http::dashboard::shared::status_label::StatusLabel;
use crate::http::web_ui::render;
use crate::service::campaigns::{self, CampaignError};

/// The number of tenants per page.
const LIMIT: i64 = 50;

#[derive(Debug, Default, Deserialize)]
pub(crate) struct CampaignQuery {
    state: Option<String>,
    cursor: Option<String>,
    done: Option<String>,
}

#[derive(Template)]
#[template(path = "dashboard/pages/campaign.html")]
struct Page<'a> {
    frame: Layout<'a>,
    path: String,
    version: i32,
    message: String,
    deadline: Option<String>,
    created: RelativeTime,
    ended: Option<RelativeTime>,
    is_enrolling: bool,
    progress: CampaignProgress,
    states: Vec<StateLink>,
    rows: Vec<TenantRow>,
    next: Option<String>,
}

/// A link that filters the tenants.
struct StateLink {
    label: String,
    href: String,
    is_chosen: bool,
}

struct TenantRow {
    path: String,
    name: String,
    slug: String,
    status: TenantStatus,
    notices: i32,
    notified: Option<RelativeTime>,
    opened: Option<RelativeTime>,
    verified: Option<RelativeTime>,
    failing: String,
    has_contact: bool,
}

pub(crate) async fn handle(
    State(state): State<AppState>,
    DashboardUser(session, ..): DashboardUser<Reader>,
    InPath(id): InPath<CampaignId>,
    Query(query): Query<CampaignQuery>,
) -> Result<Response, Problem> {
    let context = &state.context;
    let now = context.clock.now();
    let (campaign, progress) = campaigns::find(context, id).await?.ok_or(CampaignError::Unknown)?;
    let chosen: Option<CampaignTenantState> = query.state.as_deref().and_then(|text| text.parse().ok());
    let wanted = PageParams::new(Some(LIMIT), query.cursor).wanted(format!("campaign {id} {chosen:?}"))?;
    let after = wanted.after.map(|(at, tenant)| (at, tenant.into()));
    let found = campaigns::tenants(context, id, chosen, after, wanted.fetch()).await?;
    let page = wanted.page(
        found.ok_or(CampaignError::Unknown)?,
        |tenant| (tenant.enrolled_at, tenant.tenant.as_uuid()),
        |tenant| tenant,
    );
    let path = format!("/campaigns/{id}");
    let of_state = |of_state: Option<CampaignTenantState>| of_state.map_or_else(|| path.clone(), |state| format!("{path}?state={state}"));
    let rows = page.items.into_iter().map(|tenant| TenantRow {
        path: format!("/tenants/{}", tenant.tenant),
        name: tenant.name.to_string(),
        slug: tenant.slug.to_string(),
        status: tenant.status,
        notices: tenant.notices,
        notified: tenant.notified_at.map(|at| RelativeTime::of(at, now)),
        opened: tenant.opened_at.map(|at| RelativeTime::of(at, now)),
        verified: tenant.verified_at.map(|at| RelativeTime::of(at, now)),
        failing: tenant.failing_checks.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        has_contact: tenant.has_contact,
    });
    Ok(render(&Page {
        frame: Layout {
            notice: Notice::of(query.done.as_deref()),
            ..Layout::new(&state, &session, Section::Documents, "Campaign")
        },
        version: campaign.version,
        message: campaign.message.to_string(),
        deadline: campaign.deadline.map(|deadline| deadline.to_string()),
        created: RelativeTime::of(campaign.created_at, now),
        ended: campaign.ended_at.map(|at| RelativeTime::of(at, now)),
        is_enrolling: campaign.enrolled_at.is_none() && campaign.ended_at.is_none(),
        progress,
        states: [None]
            .into_iter()
            .chain(CampaignTenantState::iter().map(Some))
            .map(|each| StateLink {
                label: each.map_or_else(|| "All".to_owned(), |state| capital(&words(state.into()))),
                href: of_state(each),
                is_chosen: each == chosen,
            })
            .collect(),
        rows: rows.collect(),
        next: page.next_cursor.map(|cursor| {
            let here = of_state(chosen);
            let separator = if here.contains('?') { '&' } else { '?' };
            format!("{here}{separator}cursor={cursor}")
        }),
        path: path.clone(),
    }))
}

/// `POST /campaigns/{id}/end`
pub(crate) async fn end(
    State(state): State<AppState>,
    InPath(id): InPath<CampaignId>,
    Posted { session, .. }: Posted<Operator, EmptyForm>,
) -> Result<Redirect, Problem> {
    campaigns::end(&state.context, &session.caller, id).await?;
    Ok(Redirect::to(&Notice::CampaignEnded.at(&format!("/campaigns/{id}"))))
}
