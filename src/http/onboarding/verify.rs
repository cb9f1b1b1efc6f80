//! `GET /onboard/verify`: the newest version's newest verification, live and afterwards.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::contacts::{ContactsView, Feedback};
use super::layout::Layout;
use super::rejection::Rejection;
use super::session::OnboardSession;
use super::update::UpdateView;
use crate::domain::approval::ApprovalState;
use crate::domain::check::FaultSide;
use crate::domain::ids::TenantRef;
use crate::domain::tenant::TenantStatus;
use crate::domain::verification::{Verdict, Verification, VerificationState};
use crate::http::AppState;
use crate::http::web_ui::status::BannerState;
use crate::http::web_ui::verification_view::{Banner, Follow, MessageContext, VerificationView, time};
use crate::http::web_ui::{capital, render};
use crate::service::read;

#[derive(Template)]
#[template(path = "onboarding/pages/verify.html")]
struct Page<'a> {
    frame: Layout<'a>,
    update: Option<UpdateView>,
    form_token: String,
    /// The link also allows a submission.
    may_submit: bool,
    /// The verification is not finished; the page follows it.
    live: bool,
    follow: Follow,
    /// The server's time, because the browser's clock may differ.
    now: String,
    banner: Banner,
    notes: Vec<String>,
    run: Option<VerificationView>,
    /// None if mail is off.
    contacts: Option<ContactsView>,
}

pub(crate) async fn handle(State(state): State<AppState>, session: OnboardSession) -> Result<Response, Rejection> {
    shown(&state, &session, Feedback::default()).await
}

/// The page, with what became of an entry in the section of contacts.
pub(super) async fn shown(state: &AppState, session: &OnboardSession, feedback: Feedback) -> Result<Response, Rejection> {
    let context = &state.context;
    let detail = read::tenants::detail(context, &TenantRef::Id(session.tenant.id))
        .await?
        .ok_or(Rejection::UnknownLink)?;
    let now = context.clock.now();
    let vendor = &context.vendor.name;
    let mut page = Page {
        frame: Layout::new(state, session, 3, "Verify"),
        update: UpdateView::load(state, session).await?,
        form_token: session.session.form_token(),
        may_submit: session.may_submit(),
        live: false,
        follow: Follow {
            page: "/onboard/verify".into(),
            events: "/onboard/verify/events".into(),
        },
        now: time(now),
        banner: Banner::new(
            BannerState::Neutral,
            "Nothing to verify yet",
            "Apply the documents from step 1, then enter your bucket and key. The checks start right after that.",
        ),
        notes: Vec::new(),
        run: None,
        contacts: ContactsView::load(state, session, feedback).await?,
    };
    let mut shows_active = true;
    if let Some((config, verification)) = read::verifications::of_newest_version(context, session.tenant.id).await? {
        page.live = verification.state != VerificationState::Finished;
        page.banner = banner(&verification, vendor);
        let approval = read::approvals::of_version(context, config.id)
            .await?
            .map(|approval| approval.state);
        if verification.verdict == Some(Verdict::Verified)
            && let Some(banner) = approval.and_then(|approval| approval_banner(approval, vendor))
        {
            page.banner = banner;
        }
        if let Some(active) = &detail.active
            && active.config.version != config.version
        {
            shows_active = false;
            let until = match approval {
                None => " until this version is verified",
                Some(approval) if approval.is_open() => " until this change is confirmed",
                Some(_) => "",
            };
            page.notes.push(format!(
                "Version {} with bucket {} stays in use{until}.",
                active.config.version,
                active.config.storage.bucket_and_prefix()
            ));
        }
        page.run = Some(VerificationView::of(
            &verification,
            &config,
            &context.vendor,
            MessageContext::customer(&context.vendor),
            now,
        ));
    }
    match detail.tenant.status() {
        TenantStatus::Suspended => page
            .notes
            .push("Your storage is currently suspended by us. You can continue here; contact us if you have questions.".into()),
        TenantStatus::Quarantined if shows_active => page.notes.push(
            "Our checks found that others can access your storage, or that it is no longer in your account. We have stopped using it. Please \
             fix the items below."
                .into(),
        ),
        TenantStatus::Quarantined => page.notes.push(
            "Our checks found that others can access the storage of the earlier version, or that it is no longer in your account. We have \
             stopped using it. Contact us to get the details."
                .into(),
        ),
        TenantStatus::Degraded if shows_active => page
            .notes
            .push("This connection worked before, but the latest check failed. We are still using it, so some documents may fail to load. Please fix the items below soon.".into()),
        TenantStatus::Degraded => page
            .notes
            .push("The latest check of the version in use failed, so some documents may fail to load. Contact us to get the details.".into()),
        _ => {}
    }
    page.frame.title.clone_from(&page.banner.title);
    Ok(render(&page))
}

fn banner(verification: &Verification, vendor: &str) -> Banner {
    let banner = |state, title, text: String| Banner::new(state, title, text);
    match (verification.state, verification.verdict) {
        (VerificationState::Queued, _) => banner(
            BannerState::Running,
            "Queued",
            "Your submission is saved. The checks start in a moment.".into(),
        ),
        (VerificationState::Running, _) if verification.next_attempt_at.is_some() => banner(
            BannerState::Running,
            "Waiting for AWS",
            "Some calls were denied. New policies can take a minute to propagate through AWS, so we will try again. If you still \
             have something to apply, apply it now."
                .into(),
        ),
        (VerificationState::Running, _) => banner(
            BannerState::Running,
            "Checking your storage",
            "We are making real AWS calls with the access you granted. You can close this page; the result is saved.".into(),
        ),
        (VerificationState::Finished, Some(Verdict::Verified)) => banner(
            BannerState::Passed,
            "Connected",
            format!(
                "{} can use this bucket and key, and is denied access without your external ID. New documents are stored here from now \
                 on. You're done; please don't change the policies.",
                capital(vendor)
            ),
        ),
        (VerificationState::Finished, Some(Verdict::Rejected)) => banner(
            BannerState::Failed,
            "Something is missing",
            "Each failed check below shows what to change in AWS. Then choose Verify again; you won't need to re-enter anything.".into(),
        ),
        (VerificationState::Finished, Some(Verdict::Inconclusive)) if vendor_fault(verification) => banner(
            BannerState::Inconclusive,
            "There is a problem on our side",
            "You don't need to do anything. Your submission is saved, we have been notified, and it will be verified again.".into(),
        ),
        (VerificationState::Finished, Some(Verdict::Superseded)) => banner(
            BannerState::Neutral,
            "Superseded",
            "A newer version was submitted before this verification finished.".into(),
        ),
        (VerificationState::Finished, _) => banner(
            BannerState::Inconclusive,
            "AWS did not respond to every call",
            "No problem was found in your configuration. Verify again in a minute.".into(),
        ),
    }
}

/// The banner of a verified version that an operator has to approve.
fn approval_banner(approval: ApprovalState, vendor: &str) -> Option<Banner> {
    let (state, title, text) = match approval {
        ApprovalState::Pending => (
            BannerState::Neutral,
            "Waiting for confirmation",
            format!(
                "Your new storage passed every check. Because it differs from the storage in use, {vendor} confirms the change before it \
                 takes effect. You don't need to do anything."
            ),
        ),
        ApprovalState::Approved => (
            BannerState::Running,
            "Change confirmed",
            "Your storage is checked again before it is used.".to_owned(),
        ),
        ApprovalState::Declined => (
            BannerState::Failed,
            "Change declined",
            format!(
                "{} declined this change, so it does not take effect. If you made it, contact us, or change your entries and submit them again.",
                capital(vendor)
            ),
        ),
        ApprovalState::Activated | ApprovalState::Withdrawn => return None,
    };
    Some(Banner::new(state, title, text))
}

fn vendor_fault(verification: &Verification) -> bool {
    verification.findings.iter().any(|finding| finding.side == Some(FaultSide::Vendor))
}
