//! A sentence about a verification's result, for operators.

use crate::domain::check::FaultSide;
use crate::domain::verification::{Verdict, Verification, VerificationState};
use crate::http::web_ui::status::BannerState;
use crate::http::web_ui::verification_view::Banner;

pub(crate) fn banner(verification: &Verification) -> Banner {
    let our_fault = verification.findings.iter().any(|finding| finding.side == Some(FaultSide::Vendor));
    match (verification.state, verification.verdict) {
        (VerificationState::Queued, _) => Banner::new(BannerState::Running, "Queued", "The checks start in a moment."),
        (VerificationState::Running, _) if verification.next_attempt_at.is_some() => Banner::new(
            BannerState::Running,
            "Waiting for AWS",
            "Some calls were denied or got no response. New policies can take a minute to propagate through AWS, so the checks will run again.",
        ),
        (VerificationState::Running, _) => Banner::new(
            BannerState::Running,
            "Verifying",
            "Making real AWS calls with the access that the customer granted.",
        ),
        (VerificationState::Finished, Some(Verdict::Verified)) => Banner::new(
            BannerState::Passed,
            "Verified",
            "Every required call succeeded, and every call that must be denied was denied.",
        ),
        (VerificationState::Finished, Some(Verdict::Rejected)) => Banner::new(
            BannerState::Failed,
            "Rejected",
            "Each failed check below shows what the customer needs to change.",
        ),
        (VerificationState::Finished, Some(Verdict::Superseded)) => Banner::new(
            BannerState::Neutral,
            "Superseded",
            "A newer version was submitted, or the tenant was offboarded, before this verification finished.",
        ),
        (VerificationState::Finished, _) if our_fault => Banner::new(
            BannerState::Inconclusive,
            "Problem on our side",
            "Our own AWS configuration is the cause: run latchkey check-config --aws. The customer doesn’t need to act.",
        ),
        (VerificationState::Finished, _) => Banner::new(
            BannerState::Inconclusive,
            "AWS did not respond to every call",
            "No problem was found. Verify again.",
        ),
    }
}
