//! API representation of drifts.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::check::{CheckName, CheckStatus};
use crate::domain::drift::{Direction, Drift, FeedDrift, Observation};
use crate::domain::ids::{DriftId, Slug, TenantId, TenantName, VerificationId};
use crate::domain::message::Audience;
use crate::domain::vendor::Vendor;

/// A check of the active version that showed something else than before.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Drift)]
pub(crate) struct DriftView {
    pub id: DriftId,
    pub check: CheckName,
    /// `worse`: it passed before. `better`: it passes now. `other`: it fails for another reason.
    #[schema(value_type = String)]
    pub direction: Direction,
    pub before: ObservationView,
    pub after: ObservationView,
    /// It changed after this time. Null if that is not known.
    pub not_before: Option<DateTime<Utc>>,
    /// It changed before this time.
    pub found_at: DateTime<Utc>,
    pub version: i32,
    /// The verification that found it.
    pub verification_id: VerificationId,
}

/// A drift, and whose it is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FeedDrift)]
pub(crate) struct FeedDriftView {
    pub tenant_id: TenantId,
    pub slug: Slug,
    pub name: TenantName,
    #[serde(flatten)]
    pub drift: DriftView,
}

impl FeedDriftView {
    pub(crate) fn new(found: FeedDrift, vendor: &Vendor) -> Self {
        Self {
            tenant_id: found.drift.tenant,
            slug: found.slug,
            name: found.name,
            drift: DriftView::new(found.drift, vendor),
        }
    }
}

/// What a check showed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Observation)]
pub(crate) struct ObservationView {
    pub status: CheckStatus,
    /// AWS's error code.
    pub code: Option<String>,
    pub summary: String,
}

impl DriftView {
    pub(crate) fn new(drift: Drift, vendor: &Vendor) -> Self {
        let view = |observation: Observation| ObservationView {
            status: observation.status,
            code: observation.code,
            summary: observation.summary.render(Audience::Operations, &vendor.name),
        };
        Self {
            id: drift.id,
            check: drift.difference.check,
            direction: drift.difference.direction(),
            before: view(drift.difference.before),
            after: view(drift.difference.after),
            not_before: drift.not_before,
            found_at: drift.found_at,
            version: drift.version,
            verification_id: drift.verification,
        }
    }
}
