//! `GET /tenants/{tenant}/verifications/{id}`: a verification, live and afterwards.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::domain::ids::{TenantRef, VerificationId};
use crate::domain::tenant::Tenant;
use crate::domain::verification::VerificationState;
use crate::http::AppState;
use crate::http::auth::Reader;
use crate::http::conventions::extract::InPath;
use crate::http::conventions::problem::{Problem, ProblemKind};
use crate::http::dashboard::shared::layout::{Layout, Section};
use crate::http::dashboard::shared::paths::tenant_path;
use crate::http::dashboard::shared::relative_time::RelativeTime;
use crate::http::dashboard::shared::session::DashboardUser;
use crate::http::dashboard::verifications::banner::banner;
use crate::http::lookup::find_tenant;
use crate::http::web_ui::render;
use crate::http::web_ui::verification_view::{Banner, Follow, MessageContext, VerificationView, time};
use crate::service::read;

#[derive(Template)]
#[template(path = "dashboard/pages/verification.html")]
struct Page<'a> {
    frame: Layout<'a>,
    tenant: &'a Tenant,
    path: String,
    live: bool,
    follow: Follow,
    /// The server's time, because the browser's clock may differ.
    now: String,
    banner: Banner,
    notes: Vec<String>,
    run: Option<VerificationView>,
    trigger: String,
    requested: RelativeTime,
}

pub(crate) async fn handle(
    State(state): State<AppState>,
    DashboardUser(session, ..): DashboardUser<Reader>,
    InPath(tenant): InPath<TenantRef>,
    InPath(id): InPath<VerificationId>,
) -> Result<Response, Problem> {
    let context = &state.context;
    let unknown = || Problem::new(ProblemKind::NotFound, "This tenant has no verification with this ID.");
    let tenant = find_tenant(&state, &tenant).await?;
    let verification = read::verifications::find(context, id)
        .await?
        .filter(|found| found.tenant_id == tenant.id);
    let verification = verification.ok_or_else(unknown)?;
    let config = read::storage_configs::find(context, tenant.id, verification.version)
        .await?
        .ok_or_else(unknown)?;
    let now = context.clock.now();
    let path = tenant_path(&tenant);
    let here = format!("{path}/verifications/{id}");
    let live = verification.state != VerificationState::Finished;
    let banner = banner(&verification);
    Ok(render(&Page {
        frame: Layout {
            live,
            ..Layout::new(&state, &session, Section::Tenants, &format!("{}: {}", tenant.name, banner.title))
        },
        tenant: &tenant,
        path,
        live,
        follow: Follow {
            events: format!("{here}/events"),
            page: here,
        },
        now: time(now),
        banner,
        notes: Vec::new(),
        run: Some(VerificationView::of(
            &verification,
            &config,
            &context.vendor,
            MessageContext::operations(&context.vendor),
            now,
        )),
        trigger: verification.trigger.to_string(),
        requested: RelativeTime::of(verification.created_at, now),
    }))
}
