//! Verifications: one run of the checks against one version of a storage config.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

use super::check::{CheckName, CheckStatus};
use super::finding::Finding;
use super::ids::{StorageConfigId, TenantId, VerificationId};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, IntoStaticStr, EnumIter)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Trigger {
    Submission,
    Manual,
    Scheduled,
    /// Checks a new external ID, or that the previous one is denied. Never degrades the active version.
    Rotation,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, IntoStaticStr, EnumIter)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum VerificationState {
    Queued,
    Running,
    Finished,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, EnumIter, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Verdict {
    /// Every required check passed.
    Verified,
    /// A required check failed.
    Rejected,
    /// A required check has no result because of AWS, the network or the vendor's own setup.
    Inconclusive,
    /// A newer version was submitted, or the tenant was offboarded.
    Superseded,
}

impl Verdict {
    /// The verdict of a finished run.
    pub fn of(findings: &[Finding]) -> Self {
        let required = || findings.iter().filter(|finding| finding.required);
        if required().any(|finding| finding.status == CheckStatus::Failed) {
            return Self::Rejected;
        }
        // Verified requires a pass of every required check. A check skipped because of an advisory one, or a run without
        // checks, is inconclusive.
        if required().next().is_none()
            || required().any(|finding| matches!(finding.status, CheckStatus::Inconclusive | CheckStatus::Skipped))
        {
            return Self::Inconclusive;
        }
        Self::Verified
    }
}

/// The prefix of probe objects in a customer's bucket, after that of the storage config.
pub const PROBE_PREFIX: &str = "latchkey-probe/";

#[derive(Debug, Clone, PartialEq)]
pub struct Verification {
    pub id: VerificationId,
    pub tenant_id: TenantId,
    pub config_id: StorageConfigId,
    pub version: i32,
    pub trigger: Trigger,
    pub state: VerificationState,
    pub verdict: Option<Verdict>,
    /// Starts at 1. 0 while queued.
    pub attempt: i32,
    pub next_attempt_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub started_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
    /// Keys of probe objects that could not be deleted.
    pub leftovers: Vec<String>,
    /// The findings of the current attempt, in the order of the catalogue.
    pub findings: Vec<Finding>,
}

impl Verification {
    pub fn failing(&self) -> impl Iterator<Item = CheckName> {
        self.findings
            .iter()
            .filter(|finding| finding.status == CheckStatus::Failed)
            .map(|finding| finding.check)
    }
}

/// An attempt started. With `next_attempt_at`, it ended without a result, and the next one starts then.
#[derive(Debug, Clone)]
pub struct AttemptStarted {
    pub attempt: i32,
    pub started_at: DateTime<Utc>,
    pub next_attempt_at: Option<DateTime<Utc>>,
}

/// An event of a running verification.
#[derive(Debug, Clone)]
pub enum VerificationEvent {
    Attempt(AttemptStarted),
    Check(Box<Finding>),
    Finished(Box<Verification>),
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn finding(status: CheckStatus, required: bool) -> Finding {
        Finding {
            required,
            ..Finding::passed(CheckName::BucketReachable, "".into(), None).with_status(status)
        }
    }

    #[rstest]
    #[case(&[(CheckStatus::Passed, true)], Verdict::Verified)]
    #[case(&[(CheckStatus::Passed, true), (CheckStatus::Warning, false), (CheckStatus::Inconclusive, false)], Verdict::Verified)]
    #[case(&[(CheckStatus::Failed, true), (CheckStatus::Inconclusive, true)], Verdict::Rejected)]
    #[case(&[(CheckStatus::Passed, true), (CheckStatus::Inconclusive, true)], Verdict::Inconclusive)]
    #[case(&[(CheckStatus::Passed, true), (CheckStatus::Skipped, true)], Verdict::Inconclusive)]
    #[case(&[], Verdict::Inconclusive)]
    fn the_verdict_follows_from_the_required_checks(#[case] findings: &[(CheckStatus, bool)], #[case] verdict: Verdict) {
        let findings: Vec<Finding> = findings.iter().map(|(status, required)| finding(*status, *required)).collect();
        assert_eq!(Verdict::of(&findings), verdict);
    }
}
