//! The result of a verification in a sentence, for operations.

use crate::domain::check::FaultSide;
use crate::domain::verification::{Verdict, Verification, VerificationState as Progress};
use crate::http::web_ui::verification_view::Banner;

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
