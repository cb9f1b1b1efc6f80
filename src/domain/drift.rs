//! Drift: what changed at a customer's storage since it was verified before.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::catalogue::DecidedBy;
use super::check::{CheckName, CheckStatus};
use super::finding::Finding;
use super::ids::{DriftId, Slug, StorageConfigId, TenantId, TenantName, VerificationId};
use super::message::Message;
use super::moment::Moment;

/// What a check showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    pub status: CheckStatus,
    /// AWS's error code.
    pub code: Option<String>,
    /// One sentence.
    pub summary: Message,
}

impl Observation {
    /// None if the check has no result.
    fn of(finding: &Finding) -> Option<Self> {
        matches!(finding.status, CheckStatus::Passed | CheckStatus::Failed | CheckStatus::Warning).then(|| Self {
            status: finding.status,
            code: finding.exchange.as_ref().and_then(|exchange| exchange.code.clone()),
            summary: finding.summary.clone(),
        })
    }
}

/// A check that shows something else than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    pub check: CheckName,
    pub before: Observation,
    pub after: Observation,
}

/// Which way a check changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// It passed before.
    Worse,
    /// It passes now.
    Better,
    /// It did not pass before, and does not pass now, for another reason.
    Other,
}

impl Difference {
    pub fn direction(&self) -> Direction {
        match (self.before.status, self.after.status) {
            (CheckStatus::Passed, _) => Direction::Worse,
            (_, CheckStatus::Passed) => Direction::Better,
            _ => Direction::Other,
        }
    }
}

/// A difference that was found in the active version of a tenant, and the span of time in which it arose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    pub id: DriftId,
    pub tenant: TenantId,
    pub config: StorageConfigId,
    pub version: i32,
    pub verification: VerificationId,
    pub difference: Difference,
    /// When the check was last known to be as before. None if that is not known.
    pub not_before: Option<DateTime<Utc>>,
    /// When the difference was found.
    pub found_at: DateTime<Utc>,
}

/// A drift in the feed of all tenants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedDrift {
    pub drift: Drift,
    pub slug: Slug,
    pub name: TenantName,
}

/// Which drifts to list. A field that is `None` does not filter.
#[derive(Debug, Clone, Copy, Default)]
pub struct DriftFilter {
    pub tenant: Option<TenantId>,
    pub check: Option<CheckName>,
    /// Found at this time or later.
    pub since: Option<Moment>,
}

impl DriftFilter {
    pub fn of(tenant: TenantId) -> Self {
        Self {
            tenant: Some(tenant),
            ..Self::default()
        }
    }
}

/// What differs between two results. A check without a result in either of them is not compared: it says nothing.
pub fn between(before: &[Finding], after: &[Finding]) -> Vec<Difference> {
    after
        .iter()
        .filter(|finding| matches!(finding.check.entry().decided_by, DecidedBy::Evidence(_)))
        .filter_map(|finding| {
            let known = before.iter().find(|known| known.check == finding.check)?;
            let (before, after) = (Observation::of(known)?, Observation::of(finding)?);
            (before != after).then_some(Difference {
                check: finding.check,
                before,
                after,
            })
        })
        .collect()
}

/// Whether a light re-verification would have shown that this check no longer passes.
pub fn is_seen_lightly(check: CheckName) -> bool {
    matches!(
        check,
        CheckName::VendorRoleAssumable
            | CheckName::ClientRoleAssumable
            | CheckName::BucketReachable
            | CheckName::BucketRegionMatches
            | CheckName::BucketOwnerMatches
            | CheckName::KeyDescribable
            | CheckName::KeySuitable
            | CheckName::KeyDecryptAllowed
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fix::Fix;

    fn passed(check: CheckName) -> Finding {
        Finding::passed(check, check.claim(), None)
    }

    fn failed(check: CheckName, summary: &'static str) -> Finding {
        Finding::failed(check, summary.into(), None, Fix::form("".into()))
    }

    #[test]
    fn only_results_are_compared() {
        let before = [passed(CheckName::KeySuitable), passed(CheckName::BucketListable)];
        let skipped = Finding::skipped(CheckName::BucketListable, CheckName::KeySuitable, "".into());
        assert_eq!(between(&before, &[passed(CheckName::KeySuitable), skipped]), []);
        let new_check = [passed(CheckName::KeySuitable), failed(CheckName::ObjectReadable, "it fails")];
        assert_eq!(between(&before, &new_check), []);
    }

    #[test]
    fn another_reason_is_a_difference_too() {
        let disabled = [failed(CheckName::KeySuitable, "disabled")];
        let deleted = [failed(CheckName::KeySuitable, "pending deletion")];
        let found = between(&disabled, &deleted);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].direction(), Direction::Other);
        let directions = |before: &[Finding], after: &[Finding]| between(before, after)[0].direction();
        assert_eq!(directions(&[passed(CheckName::KeySuitable)], &disabled), Direction::Worse);
        assert_eq!(directions(&disabled, &[passed(CheckName::KeySuitable)]), Direction::Better);
    }
}
