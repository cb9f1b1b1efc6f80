//! `GET /tenants/{tenant}/verifications/{id}`: a verification, while it runs and ever after.

use askama::Template;
use axum::extract::State as Extract;
use axum::response::Response;

use super::layout::{Layout, Section};
use super::relative_time::RelativeTime;
use super::session::Reader;
use super::tenant::path_of;
use crate::domain::check::FaultSide;
use crate::domain::ids::{TenantRef, VerificationId};
use crate::domain::tenant::Tenant;
use crate::domain::verification::{Verdict, Verification, VerificationState as Progress};
use crate::http::AppState;
use crate::http::admin_api::find_tenant;
use crate::http::conventions::extract::InPath;
use crate::http::conventions::problem::{Problem, ProblemKind};
use crate::http::web_ui::render;
use crate::http::web_ui::verification_view::{Audience as ReadBy, Banner, Follow, VerificationView, time};
use crate::service::read;

#[derive(Template)]
#[template(path = "dashboard/pages/verification.html")]
struct Page<'a> {
    frame: Layout<'a>,
    tenant: &'a Tenant,
    path: String,
    live: bool,
    follow: Follow,
    /// The server's time, since the reader's may be another.
    now: String,
    banner: Banner,
    notes: Vec<String>,
    run: Option<VerificationView>,
    trigger: String,
    asked: RelativeTime,
}

pub async fn handle(
    Extract(state): Extract<AppState>,
    Reader(person): Reader,
    InPath(tenant): InPath<TenantRef>,
    InPath(id): InPath<VerificationId>,
) -> Result<Response, Problem> {
    let context = &state.context;
    let unknown = || Problem::new(ProblemKind::NotFound, "This tenant has no verification of this id.");
    let tenant = find_tenant(&state, &tenant).await?;
    let verification = read::verification(context, id).await?.filter(|found| found.tenant_id == tenant.id);
    let verification = verification.ok_or_else(unknown)?;
    let config = read::config(context, tenant.id, verification.version).await?.ok_or_else(unknown)?;
    let now = context.clock.now();
    let path = path_of(&tenant);
    let here = format!("{path}/verifications/{id}");
    let live = verification.state != Progress::Finished;
    let banner = banner(&verification);
    Ok(render(&Page {
        frame: Layout {
            live,
            ..Layout::new(&state, &person, Section::Tenants, &format!("{}: {}", tenant.name, banner.title))
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
        run: Some(VerificationView::of(&verification, &config, &context.vendor, ReadBy::Ops, now)),
        trigger: verification.trigger.to_string(),
        asked: RelativeTime::of(verification.created_at, now),
    }))
}

/// The one thing to know.
pub fn banner(verification: &Verification) -> Banner {
    let our_fault = verification.findings.iter().any(|finding| finding.side == Some(FaultSide::Vendor));
    match (verification.state, verification.verdict) {
        (Progress::Queued, _) => Banner::new("running", "…", "Waiting for its turn", "The checks start in a moment."),
        (Progress::Running, _) if verification.next_attempt_at.is_some() => Banner::new(
            "running",
            "…",
            "Waiting for AWS",
            "Something was refused or not answered. New policies can take a minute to reach all of AWS, so it is tried again.",
        ),
        (Progress::Running, _) => Banner::new(
            "running",
            "…",
            "Verifying",
            "Real calls are made with the access that the customer granted.",
        ),
        (Progress::Finished, Some(Verdict::Verified)) => Banner::new(
            "passed",
            "✓",
            "Verified",
            "Every required call worked, and whoever has to be refused was refused.",
        ),
        (Progress::Finished, Some(Verdict::Rejected)) => Banner::new(
            "failed",
            "✕",
            "Rejected",
            "What the customer has to change stands below, next to the check that found it.",
        ),
        (Progress::Finished, Some(Verdict::Superseded)) => Banner::new(
            "neutral",
            "–",
            "Superseded",
            "Something newer came, or the tenant ended: it was not looked at to the end.",
        ),
        (Progress::Finished, _) if our_fault => Banner::new(
            "inconclusive",
            "?",
            "Something is wrong on our side",
            "The vendor’s own set-up stands in the way: latchkey check-config --aws says more. Nothing is needed from the customer.",
        ),
        (Progress::Finished, _) => Banner::new(
            "inconclusive",
            "?",
            "AWS did not answer everything",
            "That is nobody’s fault as far as is known. Verify again.",
        ),
    }
}
