//! API representation of tenants.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::{ApprovalView, InviteView, StorageConfigView, VerificationView};
use crate::domain::check::CheckName;
use crate::domain::external_id::ExternalId;
use crate::domain::ids::{Slug, TenantId, TenantName};
use crate::domain::message::Audience;
use crate::domain::reverification::schedule::NEVER;
use crate::domain::storage_config::Mode;
use crate::domain::tenant::{LastVerified, ListedTenant, Quarantine, Rotation, Tenant, TenantStatus};
use crate::domain::vendor::Vendor;
use crate::service::document_versions::TenantDocuments;
use crate::service::read::tenants::TenantDetail;

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Tenant)]
pub(crate) struct TenantView {
    pub id: TenantId,
    pub slug: Slug,
    pub name: TenantName,
    /// The vendor's own name for this tenant.
    pub reference: Option<String>,
    pub modes: Vec<Mode>,
    pub status: TenantStatus,
    pub status_since: DateTime<Utc>,
    /// Checks that failed in the most recent finished verification.
    pub failing_checks: Vec<CheckName>,
    /// The external ID that the tenant's policies must require.
    pub external_id: ExternalId,
    /// A new external ID that was issued by a rotation but not verified yet.
    pub next_external_id: Option<ExternalId>,
    /// The previous external ID during a rotation. It is accepted until the rotation ends, and must be denied after that.
    pub previous_external_id: Option<ExternalId>,
    /// The version that internal services get.
    pub active_version: Option<i32>,
    pub created_at: DateTime<Utc>,
    /// When its personal data was erased.
    pub erased_at: Option<DateTime<Utc>>,
}

impl From<Tenant> for TenantView {
    fn from(tenant: Tenant) -> Self {
        let (next, previous) = match tenant.rotation.clone() {
            None => (None, None),
            Some(Rotation::Issued { next }) => (Some(next), None),
            Some(Rotation::Overlap { previous } | Rotation::Ending { previous }) => (None, Some(previous)),
        };
        Self {
            next_external_id: next,
            previous_external_id: previous,
            status: tenant.status(),
            status_since: tenant.status_since,
            active_version: tenant.facts.active.as_ref().map(|active| active.version),
            id: tenant.id,
            slug: tenant.slug,
            name: tenant.name,
            reference: tenant.reference,
            modes: tenant.modes,
            external_id: tenant.external_id,
            created_at: tenant.created_at,
            erased_at: tenant.erased_at,
            failing_checks: tenant.failing_checks,
        }
    }
}

/// A tenant in a list.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ListedTenant)]
pub(crate) struct ListedTenantView {
    #[serde(flatten)]
    pub tenant: TenantView,
    /// When the active version was verified last, and will be again. Null while nothing is verified again.
    pub reverification: Option<ReverificationView>,
}

impl From<ListedTenant> for ListedTenantView {
    fn from(listed: ListedTenant) -> Self {
        Self {
            tenant: listed.tenant.into(),
            reverification: listed.reverification.map(ReverificationView::from),
        }
    }
}

/// A tenant with its active version and latest verification.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TenantDetail)]
pub(crate) struct TenantDetailView {
    #[serde(flatten)]
    pub tenant: TenantView,
    pub active: Option<ActiveView>,
    pub last_verification: Option<VerificationView>,
    pub open_invites: Vec<InviteView>,
    /// A change that is waiting for an operator, or approved and being verified again.
    pub open_approval: Option<ApprovalView>,
    /// When the active version was verified last, and will be again.
    pub reverification: Option<ReverificationView>,
    /// Why the active version is not served. It is also set while the tenant is suspended, and null without a quarantine.
    pub quarantine: Option<QuarantineView>,
    /// Which version of the documents the active version has, or else the newest one. Null if nothing was submitted.
    pub documents: Option<TenantDocumentsView>,
}

/// Which version of the documents a storage config has: see `GET /v1/document-versions`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TenantDocuments)]
pub(crate) struct TenantDocumentsView {
    /// The version of the storage config that this is about.
    pub storage_config_version: i32,
    /// The version of the documents that was issued when it was submitted. The customer may have applied an earlier one. Null if it was
    /// submitted before versions were recorded.
    pub issued_version: Option<i32>,
    /// The highest version that it was verified against: since that version was current, a full verification has passed every required
    /// check, and AWS denied nothing that the documents grant. Null if none.
    pub verified_version: Option<i32>,
    /// When it was first verified against that version.
    pub verified_at: Option<DateTime<Utc>>,
    /// The version that is issued now.
    pub current_version: i32,
    /// It was not verified against the current documents of its mode.
    pub is_outdated: bool,
}

impl From<TenantDocuments> for TenantDocumentsView {
    fn from(tenant: TenantDocuments) -> Self {
        Self {
            storage_config_version: tenant.config_version,
            issued_version: tenant.documents.issued,
            verified_version: tenant.documents.verified,
            verified_at: tenant.documents.verified_at,
            current_version: tenant.current,
            is_outdated: tenant.is_outdated,
        }
    }
}

/// When the active version was verified last, and will be again.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Reverification)]
#[expect(clippy::struct_field_names, reason = "times in the API end with _at")]
pub(crate) struct ReverificationView {
    /// When its access was last confirmed, by a light or a full verification.
    pub confirmed_at: Option<DateTime<Utc>>,
    /// When it last passed every check.
    pub verified_in_full_at: Option<DateTime<Utc>>,
    /// Null if nothing is scheduled.
    pub due_at: Option<DateTime<Utc>>,
    pub full_due_at: Option<DateTime<Utc>>,
}

impl From<LastVerified> for ReverificationView {
    fn from(last: LastVerified) -> Self {
        let scheduled = |at: DateTime<Utc>| (at < NEVER).then_some(at);
        Self {
            confirmed_at: last.light_at,
            verified_in_full_at: last.full_at,
            due_at: scheduled(last.next_at),
            full_due_at: scheduled(last.next_full_at),
        }
    }
}

/// Two verifications in a row found that the active version has lost its isolation or its ownership.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Quarantine)]
pub(crate) struct QuarantineView {
    /// When the second one found it.
    pub since: DateTime<Utc>,
    /// The checks that failed for this reason.
    pub checks: Vec<CheckName>,
}

impl From<Quarantine> for QuarantineView {
    fn from(quarantine: Quarantine) -> Self {
        Self {
            since: quarantine.since,
            checks: quarantine.checks,
        }
    }
}

/// The active version, and when it was last verified.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ActiveStorageConfig)]
pub(crate) struct ActiveView {
    #[serde(flatten)]
    pub config: StorageConfigView,
    pub verified_at: DateTime<Utc>,
}

impl TenantDetailView {
    pub(crate) fn new(detail: TenantDetail, vendor: &Vendor, now: DateTime<Utc>) -> Self {
        Self {
            tenant: detail.tenant.into(),
            active: detail.active.map(|active| ActiveView {
                config: active.config.into(),
                verified_at: active.verified_at,
            }),
            last_verification: detail
                .last_verification
                .map(|verification| VerificationView::new(verification, vendor, Audience::Operations)),
            reverification: detail.reverification.map(ReverificationView::from),
            quarantine: detail.quarantine.map(QuarantineView::from),
            documents: detail.documents.map(TenantDocumentsView::from),
            open_approval: detail.open_approval.map(ApprovalView::from),
            open_invites: detail.open_invites.iter().map(|invite| InviteView::of(invite, now)).collect(),
        }
    }
}
