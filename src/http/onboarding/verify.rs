//! `GET /onboard/verify`: how the newest version does, while it is verified and ever after.

use askama::Template;
use axum::extract::State as Extract;
use axum::response::Response;

use super::layout::Layout;
use super::rejection::Rejection;
use super::session::OnboardSession;
use crate::domain::check::FaultSide;
use crate::domain::ids::TenantRef;
use crate::domain::tenant::TenantStatus;
use crate::domain::verification::{Verdict, Verification, VerificationState as Progress};
use crate::http::AppState;
use crate::http::web_ui::render;
use crate::http::web_ui::verification_view::{Audience, Banner, Follow, VerificationView, time};
use crate::service::read;

#[derive(Template)]
#[template(path = "onboarding/pages/verify.html")]
struct Page<'a> {
    frame: Layout<'a>,
    form_token: String,
    /// Something may still happen: the page follows it.
    live: bool,
    follow: Follow,
    /// The server's time, since the visitor's may be another.
    now: String,
    banner: Banner,
    notes: Vec<String>,
    run: Option<VerificationView>,
}

pub async fn handle(Extract(state): Extract<AppState>, visitor: OnboardSession) -> Result<Response, Rejection> {
    let context = &state.context;
    let detail = read::tenant_detail(context, &TenantRef::Id(visitor.tenant.id))
        .await?
        .ok_or(Rejection::UnknownLink)?;
    let now = context.clock.now();
    let vendor = &context.vendor.name;
    let mut page = Page {
        frame: Layout::new(&state, &visitor, 3, "Verify"),
        form_token: visitor.session.form_token(),
        live: false,
        follow: Follow {
            page: "/onboard/verify".into(),
            events: "/onboard/verify/events".into(),
        },
        now: time(now),
        banner: Banner::new(
            "neutral",
            "…",
            "Nothing to verify yet",
            "Apply the documents of step 1, then tell us where your bucket and key are. The checks start right after that.",
        ),
        notes: Vec::new(),
        run: None,
    };
    if let Some(verification) = detail.last_verification {
        let config = read::config(context, visitor.tenant.id, verification.version)
            .await?
            .ok_or(Rejection::Broken)?;
        page.live = verification.state != Progress::Finished;
        page.banner = banner(&verification, vendor);
        if let Some(active) = &detail.active
            && active.config.version != config.version
        {
            page.notes.push(format!(
                "Version {} with the bucket {} stays in use until this one is verified.",
                active.config.version,
                active.config.storage.bucket.name()
            ));
        }
        page.run = Some(VerificationView::of(
            &verification,
            &config,
            &context.vendor,
            Audience::Customer(vendor),
            now,
        ));
    }
    match detail.tenant.status() {
        TenantStatus::Suspended => page
            .notes
            .push("Your storage is switched off at the moment, from our side. You can go on here; whom to ask stands below.".into()),
        TenantStatus::Degraded => page
            .notes
            .push("This used to work, and does not any more. It is still in use: please mend what is shown below soon.".into()),
        _ => {}
    }
    page.frame.title.clone_from(&page.banner.title);
    Ok(render(&page))
}

fn banner(verification: &Verification, vendor: &str) -> Banner {
    let banner = |kind, mark, title, text: String| Banner::new(kind, mark, title, text);
    match (verification.state, verification.verdict) {
        (Progress::Queued, _) => banner(
            "running",
            "…",
            "Waiting for its turn",
            "What you sent is stored. The checks start in a moment.".into(),
        ),
        (Progress::Running, _) if verification.next_attempt_at.is_some() => banner(
            "running",
            "…",
            "Waiting for AWS",
            "Something was refused. New policies can take a minute to reach all of AWS, so it is tried again. If you have yet to \
             apply something, now is the time."
                .into(),
        ),
        (Progress::Running, _) => banner(
            "running",
            "…",
            "Checking your storage",
            "Real calls are made with the access that you granted. You can close this page: the result is kept.".into(),
        ),
        (Progress::Finished, Some(Verdict::Verified)) => banner(
            "passed",
            "✓",
            "Everything works",
            format!(
                "Your bucket is connected, and nobody but {vendor} gets in with what you granted. Your documents will be kept there from \
                 now on. There is nothing left to do: you can close this page. Leave the role and the policies as they are."
            ),
        ),
        (Progress::Finished, Some(Verdict::Rejected)) => banner(
            "failed",
            "✕",
            "Something is missing",
            "What to change stands below, next to the check that found it. Then verify again: nothing has to be typed anew.".into(),
        ),
        (Progress::Finished, Some(Verdict::Inconclusive)) if vendor_fault(verification) => banner(
            "inconclusive",
            "?",
            "Something is wrong on our side",
            "Nothing is needed from you. What you sent is kept, and we have been told; it will be verified again.".into(),
        ),
        (Progress::Finished, Some(Verdict::Superseded)) => banner(
            "neutral",
            "–",
            "Something newer was sent",
            "This version was not looked at to the end.".into(),
        ),
        (Progress::Finished, _) => banner(
            "inconclusive",
            "?",
            "AWS did not answer everything",
            "That is nobody's fault, and nothing you did is wrong as far as we know. Verify again in a minute.".into(),
        ),
    }
}

fn vendor_fault(verification: &Verification) -> bool {
    verification.findings.iter().any(|finding| finding.side == Some(FaultSide::Vendor))
}
