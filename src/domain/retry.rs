//! When a run is retried, and when its result is final.
//!
//! Changes to IAM, KMS and bucket policies take seconds to propagate, sometimes a minute or more.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency>

use std::time::Duration;

use super::check::CheckStatus;
use super::finding::Finding;
use super::fix::FixDocument;
use super::verification::Verdict;

/// Delays between attempts while AWS denies access. The last one repeats.
const DENIED_DELAYS: [Duration; 4] = [
    Duration::from_secs(5),
    Duration::from_secs(10),
    Duration::from_secs(20),
    Duration::from_secs(30),
];

/// Delays between attempts that were inconclusive because of AWS, the network or the vendor's own setup.
const INCONCLUSIVE_DELAYS: [Duration; 5] = [
    Duration::from_secs(10),
    Duration::from_secs(30),
    Duration::from_mins(1),
    Duration::from_mins(2),
    Duration::from_mins(5),
];

/// How often and how long a verification is retried.
///
/// ```
/// use std::time::Duration;
/// use latchkey::domain::retry::RetryPolicy;
/// use latchkey::domain::verification::Verdict;
///
/// let policy = RetryPolicy { window: Duration::from_secs(90), retry_inconclusive: true };
/// let next = |verdict, attempts| policy.next(verdict, &[], attempts, Duration::from_secs(1));
///
/// assert_eq!(next(Verdict::Inconclusive, 1), Some(Duration::from_secs(10)));
/// assert_eq!(next(Verdict::Inconclusive, 2), Some(Duration::from_secs(30)));
/// assert_eq!(next(Verdict::Verified, 1), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How long after the first attempt an `AccessDenied` is retried, to allow for propagation. Zero disables these retries.
    pub window: Duration,
    /// Whether an inconclusive run is retried.
    pub retry_inconclusive: bool,
}

impl RetryPolicy {
    /// Every run is final.
    pub const NONE: Self = Self {
        window: Duration::ZERO,
        retry_inconclusive: false,
    };

    /// The delay before the next attempt, after `attempts` attempts in `elapsed`. None if the result is final.
    pub fn next(&self, verdict: Verdict, findings: &[Finding], attempts: usize, elapsed: Duration) -> Option<Duration> {
        let nth = attempts.saturating_sub(1);
        match verdict {
            Verdict::Verified | Verdict::Superseded => None,
            Verdict::Inconclusive => INCONCLUSIVE_DELAYS.get(nth).copied().filter(|_| self.retry_inconclusive),
            Verdict::Rejected => {
                let failed = findings
                    .iter()
                    .filter(|finding| finding.required && finding.status == CheckStatus::Failed);
                let worst = failed.map(FailureKind::of).max()?;
                let delay = DENIED_DELAYS[nth.min(DENIED_DELAYS.len() - 1)];
                let waits = match worst {
                    FailureKind::Refused => true,
                    FailureKind::AccessOpen => attempts == 1,
                    FailureKind::Permanent => false,
                };
                (waits && elapsed + delay <= self.window).then_some(delay)
            }
        }
    }
}

/// Whether a failure may go away by itself. Ordered from least to most permanent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FailureKind {
    /// Access was denied. The grant may still be propagating.
    Refused,
    /// An unauthorized call was allowed, or an object was encrypted with another key. The condition or the default may still be
    /// propagating, so it is retried once.
    AccessOpen,
    /// A retry does not help.
    Permanent,
}

impl FailureKind {
    fn of(finding: &Finding) -> Self {
        match &finding.fix {
            // A submitted value is wrong.
            Some(fix) if fix.document == FixDocument::Form => Self::Permanent,
            _ => finding.check.entry().failure,
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::domain::check::CheckName;
    use crate::domain::fix::Fix;

    const POLICY: RetryPolicy = RetryPolicy {
        window: Duration::from_secs(90),
        retry_inconclusive: true,
    };

    fn failed(check: CheckName) -> Finding {
        let fix = Fix::new(FixDocument::RolePermissions, crate::domain::fix::FixAction::Add, "".into(), None);
        Finding::failed(check, "".into(), None, fix)
    }

    /// The delays of a run that finds the same in every attempt. Each attempt takes a second.
    fn delays(policy: RetryPolicy, verdict: Verdict, findings: &[Finding]) -> Vec<u64> {
        let (mut delays, mut elapsed) = (Vec::new(), Duration::from_secs(1));
        while let Some(delay) = policy.next(verdict, findings, delays.len() + 1, elapsed) {
            delays.push(delay.as_secs());
            elapsed += delay + Duration::from_secs(1);
        }
        delays
    }

    #[rstest]
    #[case(&[CheckName::ObjectReadable], &[5, 10, 20, 30])]
    #[case(&[CheckName::ClientRoleAssumable], &[5, 10, 20, 30])]
    #[case(&[CheckName::ObjectReadable, CheckName::KeySuitable], &[])]
    #[case(&[CheckName::BucketRegionMatches], &[])]
    #[case(&[CheckName::RoleRequiresExternalId], &[5])]
    #[case(&[CheckName::RoleRequiresExternalId, CheckName::BucketListable], &[5])]
    fn failures_that_may_be_propagation_are_retried(#[case] checks: &[CheckName], #[case] expected: &[u64]) {
        let findings: Vec<Finding> = checks.iter().map(|check| failed(*check)).collect();
        assert_eq!(delays(POLICY, Verdict::Rejected, &findings), expected);
        assert_eq!(delays(RetryPolicy::NONE, Verdict::Rejected, &findings), [0; 0]);
    }

    #[test]
    fn a_missing_key_is_not_retried() {
        let mut finding = failed(CheckName::KeyDescribable);
        finding.fix = Some(Fix::form("".into()));
        assert_eq!(delays(POLICY, Verdict::Rejected, &[finding]), [0; 0]);
    }

    #[test]
    fn an_inconclusive_run_is_retried_with_growing_delays() {
        assert_eq!(delays(POLICY, Verdict::Inconclusive, &[]), [10, 30, 60, 120, 300]);
        assert_eq!(delays(RetryPolicy::NONE, Verdict::Inconclusive, &[]), [0; 0]);
        assert_eq!(delays(POLICY, Verdict::Verified, &[]), [0; 0]);
    }
}
