//! Tenants and their status, which is derived from facts in this file only.
//!
//! ```
//! use latchkey::domain::tenant::{TenantFacts, TenantStatus};
//! use latchkey::domain::verification::VerificationState;
//!
//! let mut facts = TenantFacts::default();
//! assert_eq!(facts.status(), TenantStatus::Invited);
//!
//! facts.newest = Some((VerificationState::Running, None));
//! assert_eq!(facts.status(), TenantStatus::Verifying);
//!
//! facts.suspended_at = Some("2026-01-01T00:00:00Z".parse().unwrap());
//! assert_eq!(facts.status(), TenantStatus::Suspended);
//! assert!(facts.may_be_suspended().is_err());
//! ```

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

use super::check::CheckName;
use super::document_version::KindNumbers;
use super::external_id::ExternalId;
use super::ids::{Slug, TenantId, TenantName};
use super::moment::Moment;
use super::storage_config::Mode;
use super::verification::{Verdict, VerificationState};

/// The minimum time between two rejections of an active version before it counts as degraded.
pub const DEGRADED_AFTER: TimeDelta = TimeDelta::minutes(1);

/// How soon a breach is looked at again.
pub const BREACH_RECHECK_AFTER: TimeDelta = TimeDelta::seconds(10);

/// A customer of the vendor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    pub id: TenantId,
    pub slug: Slug,
    pub name: TenantName,
    /// The vendor's own name for this tenant, such as an account number.
    pub reference: Option<String>,
    pub modes: Vec<Mode>,
    /// The external ID in use, which internal services get.
    pub external_id: ExternalId,
    pub rotation: Option<Rotation>,
    pub created_at: DateTime<Utc>,
    /// When its personal data was erased, which requires that it is offboarded.
    pub erased_at: Option<DateTime<Utc>>,
    pub status_since: DateTime<Utc>,
    /// Checks that failed in the most recent finished verification.
    pub failing_checks: Vec<CheckName>,
    pub facts: TenantFacts,
}

/// A rotation of the external ID that is in progress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rotation {
    /// The next ID is issued, but not verified yet.
    Issued { next: ExternalId },
    /// The new ID is verified and in use. The previous one is still accepted.
    Overlap { previous: ExternalId },
    /// The previous ID must be denied from now on. This is not verified yet.
    Ending { previous: ExternalId },
}

impl Tenant {
    /// The external IDs that the tenant's policies should accept. Always includes the one in use.
    pub fn accepted_ids(&self) -> Vec<ExternalId> {
        accepted_ids(&self.external_id, self.rotation.as_ref())
    }

    pub fn status(&self) -> TenantStatus {
        self.facts.status()
    }
}

/// The external IDs that a tenant's policies should accept. Always includes the one in use.
pub fn accepted_ids(in_use: &ExternalId, rotation: Option<&Rotation>) -> Vec<ExternalId> {
    let other = match rotation {
        Some(Rotation::Issued { next: other } | Rotation::Overlap { previous: other }) => Some(other.clone()),
        Some(Rotation::Ending { .. }) | None => None,
    };
    [in_use.clone()].into_iter().chain(other).collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, EnumIter, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum TenantStatus {
    /// Nothing was submitted yet.
    Invited,
    /// No version is active, and the newest one is being verified.
    Verifying,
    /// No version is active, and the verification of the newest one has no result because of AWS or the vendor's own setup. The customer
    /// need not act; it is verified again until there is a result.
    BlockedByVendor,
    /// No version is active, and the newest one was rejected.
    ActionRequired,
    Active,
    /// A version is active, but its latest verifications were rejected.
    Degraded,
    /// A version is active, but two verifications in a row found that it has lost its isolation or its ownership. Internal services
    /// get neither its storage config nor credentials.
    Quarantined,
    /// Suspended by operators.
    Suspended,
    /// Offboarded; final.
    Offboarded,
}

/// Which tenants to list. A field that is `None` does not filter. A stored filter has none of those that depend on the time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TenantFilter {
    pub status: Option<TenantStatus>,
    /// Each of these begins a word of the slug, the name or the reference. Lowercase.
    pub words: Option<Vec<String>>,
    /// Tenants that may choose this mode.
    pub mode: Option<Mode>,
    /// Tenants whose most recent finished verification failed this check.
    pub failing_check: Option<CheckName>,
    /// Tenants whose active version was not verified against these numbers of the documents, or higher ones.
    #[serde(skip)]
    pub documents_below: Option<KindNumbers>,
    /// Tenants whose active version was last confirmed before this time, lightly or in full.
    #[serde(skip)]
    pub confirmed_before: Option<Moment>,
    /// Tenants whose active version was last verified in full before this time.
    #[serde(skip)]
    pub verified_in_full_before: Option<Moment>,
}

/// In which order tenants are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TenantOrder {
    /// By creation, the newest first.
    Newest,
    /// By when the active version was last confirmed, the longest ago first.
    Confirmed,
    /// By when the active version was last verified in full, the longest ago first.
    VerifiedInFull,
}

impl TenantFilter {
    /// Who asks for tenants that were not verified for long wants to see the worst ones first.
    pub fn order(&self) -> TenantOrder {
        match (self.confirmed_before, self.verified_in_full_before) {
            (Some(_), _) => TenantOrder::Confirmed,
            (None, Some(_)) => TenantOrder::VerifiedInFull,
            (None, None) => TenantOrder::Newest,
        }
    }
}

/// A tenant in a list.
#[derive(Debug, Clone)]
pub struct ListedTenant {
    pub tenant: Tenant,
    /// When the active version was verified last, and will be again.
    pub reverification: Option<LastVerified>,
}

impl ListedTenant {
    /// The time by which it is listed.
    pub fn listed_by(&self, order: TenantOrder) -> DateTime<Utc> {
        let verified = match order {
            TenantOrder::Newest => None,
            TenantOrder::Confirmed => self.reverification.and_then(|last| last.light_at),
            TenantOrder::VerifiedInFull => self.reverification.and_then(|last| last.full_at),
        };
        verified.unwrap_or(self.tenant.created_at)
    }
}

/// Why the active version is not served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantine {
    /// When the second of two verifications in a row found a breach.
    pub since: DateTime<Utc>,
    /// The checks that found these breaches.
    pub checks: Vec<CheckName>,
}

/// The facts that determine a tenant's status.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TenantFacts {
    pub offboarded_at: Option<DateTime<Utc>>,
    pub suspended_at: Option<DateTime<Utc>>,
    pub active: Option<ActiveFacts>,
    /// State and verdict of the newest verification, if anything was submitted.
    pub newest: Option<(VerificationState, Option<Verdict>)>,
}

/// Facts about the active version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActiveFacts {
    pub version: i32,
    /// The first and the last rejection since it was last verified.
    pub rejections: Option<(DateTime<Utc>, DateTime<Utc>)>,
    /// The first and the last of these rejections that were for a breach: see `CatalogueEntry::breach`.
    pub breaches: Option<(DateTime<Utc>, DateTime<Utc>)>,
}

impl ActiveFacts {
    /// One look could be wrong, so it takes two.
    pub fn is_quarantined(&self) -> bool {
        self.breaches.is_some_and(|(first, last)| last > first)
    }

    /// Whether another rejection would change the status.
    pub fn needs_another_look(&self) -> bool {
        let is_rejected = self.rejections.is_some();
        is_rejected && !self.is_quarantined() && (!self.is_degraded() || self.is_breached_now())
    }

    /// Whether the last rejection was for a breach.
    fn is_breached_now(&self) -> bool {
        let (breaches, rejections) = (self.breaches.map(|(_, last)| last), self.rejections.map(|(_, last)| last));
        breaches.is_some() && breaches == rejections
    }

    fn is_degraded(&self) -> bool {
        self.rejections.is_some_and(|(first, last)| last - first >= DEGRADED_AFTER)
    }
}

/// When the active version was verified last, and will be again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastVerified {
    /// When its access was last confirmed, lightly or in full.
    pub light_at: Option<DateTime<Utc>>,
    pub full_at: Option<DateTime<Utc>>,
    pub next_at: DateTime<Utc>,
    pub next_full_at: DateTime<Utc>,
}

/// A change that the tenant's current status does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IllegalChange {
    #[error("the tenant is already suspended")]
    AlreadySuspended,
    #[error("the tenant is not suspended")]
    NotSuspended,
    #[error("the tenant is offboarded")]
    Offboarded,
    #[error("the tenant is not offboarded")]
    NotOffboarded,
}

impl TenantFacts {
    /// # Errors
    /// If it is suspended or offboarded.
    pub fn may_be_suspended(&self) -> Result<(), IllegalChange> {
        self.may_change()?;
        match self.suspended_at {
            None => Ok(()),
            Some(_) => Err(IllegalChange::AlreadySuspended),
        }
    }

    /// # Errors
    /// If it is not suspended, or is offboarded.
    pub fn may_be_resumed(&self) -> Result<(), IllegalChange> {
        self.may_change()?;
        match self.suspended_at {
            Some(_) => Ok(()),
            None => Err(IllegalChange::NotSuspended),
        }
    }

    /// Personal data is needed until offboarding.
    ///
    /// # Errors
    /// If it is not offboarded.
    pub fn may_be_erased(&self) -> Result<(), IllegalChange> {
        match self.offboarded_at {
            Some(_) => Ok(()),
            None => Err(IllegalChange::NotOffboarded),
        }
    }

    /// Offboarding is final: a tenant cannot be changed after that.
    ///
    /// # Errors
    /// If it is offboarded.
    pub fn may_change(&self) -> Result<(), IllegalChange> {
        match self.offboarded_at {
            None => Ok(()),
            Some(_) => Err(IllegalChange::Offboarded),
        }
    }

    pub fn status(&self) -> TenantStatus {
        if self.offboarded_at.is_some() {
            return TenantStatus::Offboarded;
        }
        if self.suspended_at.is_some() {
            return TenantStatus::Suspended;
        }
        match (&self.active, &self.newest) {
            (Some(active), _) if active.is_quarantined() => TenantStatus::Quarantined,
            (Some(active), _) if active.is_degraded() => TenantStatus::Degraded,
            (Some(_), _) => TenantStatus::Active,
            (None, None) => TenantStatus::Invited,
            (None, Some((VerificationState::Finished, Some(Verdict::Inconclusive)))) => TenantStatus::BlockedByVendor,
            (None, Some((VerificationState::Finished, _))) => TenantStatus::ActionRequired,
            (None, Some(_)) => TenantStatus::Verifying,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    fn active(rejections: Option<(i64, i64)>) -> TenantFacts {
        TenantFacts {
            active: Some(ActiveFacts {
                version: 1,
                rejections: rejections.map(|(first, last)| (at(first), at(last))),
                breaches: None,
            }),
            newest: Some((VerificationState::Finished, Some(Verdict::Verified))),
            ..TenantFacts::default()
        }
    }

    #[test]
    fn the_status_follows_from_the_facts() {
        let newest = |state, verdict| TenantFacts {
            newest: Some((state, verdict)),
            ..TenantFacts::default()
        };
        for (facts, status) in [
            (TenantFacts::default(), TenantStatus::Invited),
            (newest(VerificationState::Queued, None), TenantStatus::Verifying),
            (newest(VerificationState::Running, None), TenantStatus::Verifying),
            (
                newest(VerificationState::Finished, Some(Verdict::Rejected)),
                TenantStatus::ActionRequired,
            ),
            (
                newest(VerificationState::Finished, Some(Verdict::Inconclusive)),
                TenantStatus::BlockedByVendor,
            ),
            (active(None), TenantStatus::Active),
        ] {
            assert_eq!(facts.status(), status, "{facts:?}");
        }
    }

    #[test]
    fn one_rejection_does_not_degrade_and_neither_do_two_in_a_minute() {
        assert_eq!(active(Some((0, 0))).status(), TenantStatus::Active);
        assert_eq!(active(Some((0, 59))).status(), TenantStatus::Active);
        assert_eq!(active(Some((0, 60))).status(), TenantStatus::Degraded);
    }

    #[test]
    fn a_second_breach_quarantines_at_once_and_one_does_not() {
        let breached = |breaches: (i64, i64)| {
            let mut facts = active(Some(breaches));
            let active = facts.active.as_mut().unwrap();
            active.breaches = active.rejections;
            facts.status()
        };
        assert_eq!(breached((0, 0)), TenantStatus::Active);
        assert_eq!(breached((0, 1)), TenantStatus::Quarantined);
        assert_eq!(breached((0, 60)), TenantStatus::Quarantined);
    }

    #[test]
    fn a_breach_is_looked_at_again_even_if_the_tenant_is_degraded() {
        let looked_at_again = |rejections: Option<(i64, i64)>, breaches: Option<(i64, i64)>| {
            let mut active = active(rejections).active.unwrap();
            active.breaches = breaches.map(|(first, last)| (at(first), at(last)));
            active.needs_another_look()
        };
        assert!(!looked_at_again(None, None));
        assert!(looked_at_again(Some((0, 0)), None));
        assert!(!looked_at_again(Some((0, 60)), None), "it is degraded");
        assert!(looked_at_again(Some((0, 60)), Some((60, 60))));
        assert!(!looked_at_again(Some((0, 70)), Some((60, 70))), "it is quarantined");
        assert!(
            !looked_at_again(Some((0, 70)), Some((0, 0))),
            "the last rejection was for something else"
        );
    }

    #[test]
    fn suspension_hides_the_status_and_offboarding_is_final() {
        let suspended = TenantFacts {
            suspended_at: Some(at(0)),
            ..active(None)
        };
        assert_eq!(suspended.status(), TenantStatus::Suspended);
        let ended = TenantFacts {
            offboarded_at: Some(at(1)),
            ..suspended
        };
        assert_eq!(ended.status(), TenantStatus::Offboarded);
    }
}
