//! The budget of the process against the quota of STS.

use super::{Found, ReportStatus};
use crate::service::credential_cache::SessionRates;

/// Requests per second that STS accepts by default, for each account and region.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
const DEFAULT_QUOTA: u32 = 600;

/// AWS is not asked: reading the quota requires permissions for Service Quotas, which Latchkey does not have.
pub(super) fn check(rates: SessionRates) -> Found {
    let SessionRates { process, token } = rates;
    let budgets = format!("This process requests at most {process} sessions per second for internal services, and {token} for each token.");
    let quota = format!(
        "By default, STS accepts {DEFAULT_QUOTA} requests per second for each account and region, from all processes and verifications \
         together. Latchkey has no permission to read your account's quota: look it up in Service Quotas."
    );
    if process > DEFAULT_QUOTA {
        let remedy = "Lower LATCHKEY_SESSIONS_PER_SECOND, or have the quota raised.";
        return (ReportStatus::Warning, format!("{budgets} {quota} {remedy}"));
    }
    (ReportStatus::Note, format!("{budgets} {quota}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_above_the_default_quota_is_a_warning() {
        let rates = |process| SessionRates { process, token: 50 };
        assert_eq!(check(rates(600)).0, ReportStatus::Note);
        let (status, sentence) = check(rates(601));
        assert_eq!(status, ReportStatus::Warning);
        assert!(
            sentence.contains("at most 601 sessions") && sentence.contains("LATCHKEY_SESSIONS_PER_SECOND"),
            "{sentence}"
        );
    }
}
