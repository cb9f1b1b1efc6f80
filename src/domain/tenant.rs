//! Tenants and their status, which is derived from facts here and nowhere else.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoStaticStr};
use utoipa::ToSchema;

use super::check::CheckName;
use super::external_id::ExternalId;
use super::ids::{Slug, TenantId, TenantName};
use super::storage_config::Mode;
use super::verification::{Verdict, VerificationState};

/// How far apart two rejections of an active version have to be before it counts as degraded.
pub const DEGRADED_AFTER: TimeDelta = TimeDelta::minutes(1);

/// One customer of the vendor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    pub id: TenantId,
    pub slug: Slug,
    pub name: TenantName,
    /// The vendor's own name for this tenant: an account number in its books, for instance.
    pub reference: Option<String>,
    pub modes: Vec<Mode>,
    /// The one that works: internal services get it.
    pub external_id: ExternalId,
    pub rotation: Option<Rotation>,
    pub created_at: DateTime<Utc>,
    /// When its personal data was erased, which only happens after its end.
    pub erased_at: Option<DateTime<Utc>>,
    pub status_since: DateTime<Utc>,
    /// Those that failed in the newest verification that ended.
    pub failing_checks: Vec<CheckName>,
    pub facts: TenantFacts,
}

/// A rotation of the external ID that is in progress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rotation {
    /// The next one is issued, and not proven yet.
    Issued { next: ExternalId },
    /// The new one is proven and in use. The previous one is still accepted.
    Overlap { previous: ExternalId },
    /// The previous one has to be refused from now on, which is not proven yet.
    Ending { previous: ExternalId },
}

impl Tenant {
    /// The external IDs that the tenant's policies are to accept: at every moment the one in use is among them.
    pub fn accepted_ids(&self) -> Vec<ExternalId> {
        let other = match &self.rotation {
            Some(Rotation::Issued { next: other } | Rotation::Overlap { previous: other }) => Some(other.clone()),
            Some(Rotation::Ending { .. }) | None => None,
        };
        [self.external_id.clone()].into_iter().chain(other).collect()
    }

    pub fn status(&self) -> TenantStatus {
        self.facts.status()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Display, EnumString, EnumIter, IntoStaticStr, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum TenantStatus {
    /// Nothing submitted yet.
    Invited,
    /// Nothing active, and the newest version is being verified.
    Verifying,
    /// Nothing active, and the last verdict was not `verified`.
    ActionRequired,
    Active,
    /// Active, but its verifications are rejected now.
    Degraded,
    /// Switched off by ops.
    Suspended,
    /// Ended.
    Offboarded,
}

/// Which tenants a list shows. A field that is `None` filters nothing.
#[derive(Debug, Clone, Default)]
pub struct TenantFilter {
    pub status: Option<TenantStatus>,
    /// Words that the slug, the name or the reference must contain.
    pub words: Option<Vec<String>>,
    /// Tenants that may choose this mode.
    pub mode: Option<Mode>,
    /// Tenants for which this check failed in the newest finished verification.
    pub failing_check: Option<CheckName>,
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

/// What is known of the active version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActiveFacts {
    pub version: i32,
    /// First and last of the rejections since it was last verified.
    pub rejections: Option<(DateTime<Utc>, DateTime<Utc>)>,
}

impl ActiveFacts {
    fn is_degraded(&self) -> bool {
        self.rejections.is_some_and(|(first, last)| last - first >= DEGRADED_AFTER)
    }
}

/// A change of a tenant's standing that its present one does not allow.
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
    /// When it is suspended already, or has ended.
    pub fn may_be_suspended(&self) -> Result<(), IllegalChange> {
        self.may_change()?;
        match self.suspended_at {
            None => Ok(()),
            Some(_) => Err(IllegalChange::AlreadySuspended),
        }
    }

    /// # Errors
    /// When it is not suspended, or has ended.
    pub fn may_be_resumed(&self) -> Result<(), IllegalChange> {
        self.may_change()?;
        match self.suspended_at {
            Some(_) => Ok(()),
            None => Err(IllegalChange::NotSuspended),
        }
    }

    /// Personal data is needed until the end.
    ///
    /// # Errors
    /// When it has not ended.
    pub fn may_be_erased(&self) -> Result<(), IllegalChange> {
        match self.offboarded_at {
            Some(_) => Ok(()),
            None => Err(IllegalChange::NotOffboarded),
        }
    }

    /// Offboarding is final: nothing changes after it.
    ///
    /// # Errors
    /// When it has ended.
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
            (Some(active), _) if active.is_degraded() => TenantStatus::Degraded,
            (Some(_), _) => TenantStatus::Active,
            (None, None) => TenantStatus::Invited,
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
                TenantStatus::ActionRequired,
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
    fn suspending_covers_and_offboarding_ends() {
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
