//! `GET /tenants/{tenant}/verifications/{id}`: a verification, while it runs and ever after.

use askama::Template;
use axum::extract::State as Extract;
use axum::response::Response;

use super::frame::{Frame, Part};
use super::moment::Moment;
use super::person::Reader;
use super::tenant::path_of;
use crate::domain::check::Side;
use crate::domain::tenant::Tenant;
use crate::domain::verification::{State as Progress, Verdict, Verification};
use crate::http::State;
use crate::http::extract::{TenantPath, VerificationPath};
use crate::http::ops::find_tenant;
use crate::http::problem::{Kind, Problem};
use crate::http::site::render;
use crate::http::site::run::{Banner, Follow, Reader as ReadBy, Run, time};
use crate::service::read;

#[derive(Template)]
#[template(path = "dashboard/pages/verification.html")]
struct Page<'a> {
    frame: Frame<'a>,
    tenant: &'a Tenant,
    path: String,
    live: bool,
    follow: Follow,
    /// The server's time, since the reader's may be another.
    now: String,
    banner: Banner,
    notes: Vec<String>,
    run: Option<Run>,
    trigger: String,
    asked: Moment,
}

pub async fn handle(
    Extract(state): Extract<State>,
    Reader(person): Reader,
    TenantPath(tenant): TenantPath,
    VerificationPath(id): VerificationPath,
) -> Result<Response, Problem> {
    let context = &state.context;
    let unknown = || Problem::new(Kind::NotFound, "This tenant has no verification of this id.");
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
        frame: Frame {
            live,
            ..Frame::new(&state, &person, Part::Tenants, &format!("{}: {}", tenant.name, banner.title))
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
        run: Some(Run::of(&verification, &config, &context.vendor, ReadBy::Ops, now)),
        trigger: verification.trigger.to_string(),
        asked: Moment::of(verification.created_at, now),
    }))
}

/// The one thing to know.
pub fn banner(verification: &Verification) -> Banner {
    let our_fault = verification.findings.iter().any(|finding| finding.side == Some(Side::Vendor));
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
