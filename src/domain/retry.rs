//! When a run that did not end well is tried again, and when it has to count.
//!
//! IAM, KMS and bucket policies take seconds to reach everywhere, at times a minute or more.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency>

use std::time::Duration;

use super::check::CheckStatus;
use super::finding::Finding;
use super::fix::FixDocument;
use super::verification::Verdict;

/// Between the attempts of a run that was refused; the last is repeated.
const WHILE_REFUSED: [Duration; 4] = [
    Duration::from_secs(5),
    Duration::from_secs(10),
    Duration::from_secs(20),
    Duration::from_secs(30),
];

/// Between the attempts of a run that AWS, the network or the vendor's own set-up left open. Then it ends.
const WHILE_OPEN: [Duration; 5] = [
    Duration::from_secs(10),
    Duration::from_secs(30),
    Duration::from_mins(1),
    Duration::from_mins(2),
    Duration::from_mins(5),
];

/// How long a verification is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Since the first attempt, for refusals that may only be on their way. Zero takes each at its word.
    pub window: Duration,
    /// Whether a run that was left open is tried again.
    pub retry_open: bool,
}

impl RetryPolicy {
    /// Every run counts as it is.
    pub const NONE: Self = Self {
        window: Duration::ZERO,
        retry_open: false,
    };

    /// How long to wait before the next attempt, after `attempts` of them in `elapsed`; none when this one counts.
    pub fn next(&self, verdict: Verdict, findings: &[Finding], attempts: usize, elapsed: Duration) -> Option<Duration> {
        let nth = attempts.saturating_sub(1);
        match verdict {
            Verdict::Verified | Verdict::Superseded => None,
            Verdict::Inconclusive => WHILE_OPEN.get(nth).copied().filter(|_| self.retry_open),
            Verdict::Rejected => {
                let failed = findings
                    .iter()
                    .filter(|finding| finding.required && finding.status == CheckStatus::Failed);
                let worst = failed.map(FailureKind::of).max()?;
                let gap = WHILE_REFUSED[nth.min(WHILE_REFUSED.len() - 1)];
                let waits = match worst {
                    FailureKind::Refused => true,
                    FailureKind::LetIn => attempts == 1,
                    FailureKind::Lasting => false,
                };
                (waits && elapsed + gap <= self.window).then_some(gap)
            }
        }
    }
}

/// What a failure is about, the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FailureKind {
    /// A grant that may still be on its way.
    Refused,
    /// A stranger was let in, perhaps by a condition that is still on its way: tried once more before it counts.
    LetIn,
    /// Waiting does not mend it.
    Lasting,
}

impl FailureKind {
    fn of(finding: &Finding) -> Self {
        match &finding.fix {
            // What was typed is wrong: there is no such key, for instance.
            Some(fix) if fix.document == FixDocument::Form => Self::Lasting,
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

    const PATIENCE: RetryPolicy = RetryPolicy {
        window: Duration::from_secs(90),
        retry_open: true,
    };

    fn failed(check: CheckName) -> Finding {
        let fix = Fix::new(FixDocument::RolePermissions, crate::domain::fix::FixAction::Add, "", None);
        Finding::failed(check, "", None, fix)
    }

    /// The gaps of a run that finds the same at every attempt, each of which takes a second.
    fn gaps(patience: RetryPolicy, verdict: Verdict, findings: &[Finding]) -> Vec<u64> {
        let (mut gaps, mut elapsed) = (Vec::new(), Duration::from_secs(1));
        while let Some(gap) = patience.next(verdict, findings, gaps.len() + 1, elapsed) {
            gaps.push(gap.as_secs());
            elapsed += gap + Duration::from_secs(1);
        }
        gaps
    }

    #[rstest]
    #[case(&[CheckName::ObjectReadable], &[5, 10, 20, 30])]
    #[case(&[CheckName::ClientRoleAssumable], &[5, 10, 20, 30])]
    #[case(&[CheckName::ObjectReadable, CheckName::KeySuitable], &[])]
    #[case(&[CheckName::BucketRegionMatches], &[])]
    #[case(&[CheckName::RoleRequiresExternalId], &[5])]
    #[case(&[CheckName::RoleRequiresExternalId, CheckName::BucketListable], &[5])]
    fn what_waiting_may_mend_is_waited_for(#[case] checks: &[CheckName], #[case] expected: &[u64]) {
        let findings: Vec<Finding> = checks.iter().map(|check| failed(*check)).collect();
        assert_eq!(gaps(PATIENCE, Verdict::Rejected, &findings), expected);
        assert_eq!(gaps(RetryPolicy::NONE, Verdict::Rejected, &findings), [0; 0]);
    }

    #[test]
    fn a_key_that_does_not_exist_is_not_waited_for() {
        let mut finding = failed(CheckName::KeyDescribable);
        finding.fix = Some(Fix::form(""));
        assert_eq!(gaps(PATIENCE, Verdict::Rejected, &[finding]), [0; 0]);
    }

    #[test]
    fn an_open_run_is_tried_again_with_growing_gaps() {
        assert_eq!(gaps(PATIENCE, Verdict::Inconclusive, &[]), [10, 30, 60, 120, 300]);
        assert_eq!(gaps(RetryPolicy::NONE, Verdict::Inconclusive, &[]), [0; 0]);
        assert_eq!(gaps(PATIENCE, Verdict::Verified, &[]), [0; 0]);
    }
}
