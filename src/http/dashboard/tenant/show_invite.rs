//! `/tenants/{tenant}/invites/{id}`: the link and the API token of a new invite, shown once, and what uses it.

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::{DateTime, Utc};
use secrecy::SecretString;

use crate::domain::ids::{InviteId, InviteSessionId, TenantRef};
use crate::domain::invite::{InvitePurpose, InviteSessionKind, OpenedInvite};
use crate::domain::tenant::Tenant;
use crate::http::AppState;
use crate::http::auth::Operator;
use crate::http::conventions::extract::InPath;
use crate::http::conventions::problem::Problem;
use crate::http::dashboard::shared::confirm::EmptyForm;
use crate::http::dashboard::shared::layout::{Layout, Section};
use crate::http::dashboard::shared::notice::Notice;
use crate::http::dashboard::shared::one_time_secret;
use crate::http::dashboard::shared::paths::tenant_path;
use crate::http::dashboard::shared::relative_time::RelativeTime;
use crate::http::dashboard::shared::session::{DashboardUser, Posted};
use crate::http::lookup::find_tenant;
use crate::http::web_ui::render;
use crate::service::create_invite::CreatedInvite;
use crate::service::end_invite_session::end_invite_session;
use crate::service::read;

#[derive(Template)]
#[template(path = "dashboard/pages/invite.html")]
struct Page<'a> {
    frame: Layout<'a>,
    tenant: &'a Tenant,
    path: String,
    /// None if it was already shown.
    url: Option<String>,
    /// None if it was already shown, or none was created.
    api_token: Option<String>,
    id: InviteId,
    purpose: InvitePurpose,
    expires: RelativeTime,
    sessions: Vec<SessionRow>,
}

struct SessionRow {
    id: String,
    kind: &'static str,
    address: String,
    opened: RelativeTime,
    used: RelativeTime,
    ended: Option<RelativeTime>,
}

impl SessionRow {
    fn of(opened: OpenedInvite, now: DateTime<Utc>) -> Self {
        Self {
            id: opened.id.to_string(),
            kind: match opened.kind {
                InviteSessionKind::Browser => "Browser",
                InviteSessionKind::ApiToken => "API token",
            },
            address: opened.address.unwrap_or_default(),
            opened: RelativeTime::of(opened.created_at, now),
            used: RelativeTime::of(opened.last_used_at, now),
            ended: opened.ended_at.map(|at| RelativeTime::of(at, now)),
        }
    }
}

/// Neither a link's secret nor a token contains it.
const SEPARATOR: char = '.';

/// What the page shows once of a new invite.
pub(super) fn secrets_of(created: &CreatedInvite) -> SecretString {
    match &created.api_token {
        Some(api_token) => format!("{}{SEPARATOR}{}", created.token.expose(), api_token.expose()).into(),
        None => created.token.expose().into(),
    }
}

/// The link's secret and the API token.
fn read_secrets(secrets: &str) -> (Option<String>, Option<String>) {
    match secrets.split_once(SEPARATOR) {
        Some((token, api_token)) => (Some(token.to_owned()), Some(api_token.to_owned())),
        None => (Some(secrets.to_owned()), None),
    }
}

pub(crate) fn purpose_label(purpose: InvitePurpose) -> &'static str {
    match purpose {
        InvitePurpose::Onboarding => "for setup",
        InvitePurpose::Change => "for changes",
    }
}

pub(crate) async fn handle(
    State(state): State<AppState>,
    DashboardUser(session, ..): DashboardUser<Operator>,
    headers: HeaderMap,
    InPath(tenant): InPath<TenantRef>,
    InPath(id): InPath<InviteId>,
) -> Result<Response, Problem> {
    let tenant = find_tenant(&state, &tenant).await?;
    let invites = read::invites::list(&state.context, tenant.id).await?;
    let invite = invites
        .into_iter()
        .find(|invite| invite.id == id)
        .ok_or_else(Problem::unknown_invite)?;
    let now = state.context.clock.now();
    let sessions = read::invites::sessions(&state.context, tenant.id, id).await?.unwrap_or_default();
    let (token, api_token) = one_time_secret::take(&headers, id.as_uuid()).map_or((None, None), |secrets| read_secrets(&secrets));
    let page = Page {
        frame: Layout::new(&state, &session, Section::Tenants, &format!("Invite for {}", tenant.name)),
        path: tenant_path(&tenant),
        api_token,
        url: token.map(|token| state.onboard_url(&token)).transpose()?,
        expires: RelativeTime::of(invite.expires_at, now),
        id,
        purpose: invite.purpose,
        sessions: sessions.into_iter().map(|opened| SessionRow::of(opened, now)).collect(),
        tenant: &tenant,
    };
    Ok((one_time_secret::forget(&headers), render(&page)).into_response())
}

/// `POST /tenants/{tenant}/invites/{id}/sessions/{session}/end`
pub(crate) async fn end_session(
    State(state): State<AppState>,
    InPath(tenant): InPath<TenantRef>,
    InPath(id): InPath<InviteId>,
    InPath(opened): InPath<InviteSessionId>,
    Posted { session, .. }: Posted<Operator, EmptyForm>,
) -> Result<Redirect, Problem> {
    let found = find_tenant(&state, &tenant).await?;
    end_invite_session(&state.context, &session.caller, &tenant, id, opened).await?;
    Ok(Redirect::to(&Notice::InviteSessionEnded.at(&tenant_path(&found))))
}
