//! API representation of campaigns.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::campaign::{Campaign, CampaignMessage, CampaignPreview, CampaignProgress, CampaignTenant};
use crate::domain::check::CheckName;
use crate::domain::ids::{CampaignId, Slug, TenantId, TenantName};
use crate::domain::storage_config::Mode;
use crate::domain::tenant::{TenantFilter, TenantStatus};

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Campaign)]
pub(crate) struct CampaignView {
    pub id: CampaignId,
    /// The version of the documents that tenants are to be verified against.
    pub document_version: i32,
    /// What customers read.
    pub message: CampaignMessage,
    /// The date that customers read.
    pub deadline: Option<NaiveDate>,
    pub filter: CampaignFilterView,
    pub created_at: DateTime<Utc>,
    /// When the list of its tenants was complete. Until then, the numbers still grow.
    pub enrolled_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
}

/// The tenants that a campaign is for. A null field does not filter.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CampaignFilter)]
pub(crate) struct CampaignFilterView {
    /// Null for active and degraded tenants.
    pub status: Option<TenantStatus>,
    /// Each of these begins a word of the slug, the name or the reference.
    pub words: Option<Vec<String>>,
    pub mode: Option<Mode>,
    pub failing_check: Option<CheckName>,
}

/// A campaign and how far it is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CampaignDetail)]
pub(crate) struct CampaignDetailView {
    #[serde(flatten)]
    pub campaign: CampaignView,
    pub progress: CampaignProgressView,
}

/// Numbers of tenants.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CampaignProgress)]
pub(crate) struct CampaignProgressView {
    /// All tenants of the campaign.
    pub tenants: i64,
    /// Got at least one notice.
    pub notified: i64,
    /// Opened a link in a notice.
    pub opened: i64,
    /// Were verified against the version since the campaign began.
    pub verified: i64,
    /// Are not verified against the version, and failed a check in their latest verification.
    pub failing: i64,
    /// Are not verified against the version, and have no contact that gets mail.
    pub without_contact: i64,
}

/// What a campaign would do.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CampaignPreview)]
pub(crate) struct CampaignPreviewView {
    pub document_version: i32,
    /// How many tenants it is for.
    pub tenants: i64,
    /// How many of them have no contact that gets mail.
    pub without_contact: i64,
}

/// A tenant of a campaign.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CampaignTenant)]
pub(crate) struct CampaignTenantView {
    pub tenant_id: TenantId,
    pub slug: Slug,
    pub name: TenantName,
    pub status: TenantStatus,
    /// How many times it was notified, including reminders.
    pub notices: i32,
    /// When it was notified last.
    pub notified_at: Option<DateTime<Utc>>,
    /// When a link in a notice was opened first.
    pub opened_at: Option<DateTime<Utc>>,
    /// When it was verified against the version.
    pub verified_at: Option<DateTime<Utc>>,
    /// When the next notice is due.
    pub next_notice_at: Option<DateTime<Utc>>,
    /// Checks that failed in the most recent finished verification.
    pub failing_checks: Vec<CheckName>,
    /// Whether it has a contact that gets mail.
    pub has_contact: bool,
}

impl From<Campaign> for CampaignView {
    fn from(campaign: Campaign) -> Self {
        Self {
            id: campaign.id,
            document_version: campaign.version,
            message: campaign.message,
            deadline: campaign.deadline,
            filter: campaign.filter.into(),
            created_at: campaign.created_at,
            enrolled_at: campaign.enrolled_at,
            ended_at: campaign.ended_at,
        }
    }
}

impl From<TenantFilter> for CampaignFilterView {
    fn from(filter: TenantFilter) -> Self {
        Self {
            status: filter.status,
            words: filter.words,
            mode: filter.mode,
            failing_check: filter.failing_check,
        }
    }
}

impl CampaignDetailView {
    pub(crate) fn new(campaign: Campaign, progress: CampaignProgress) -> Self {
        Self {
            campaign: campaign.into(),
            progress: CampaignProgressView {
                tenants: progress.tenants,
                notified: progress.notified,
                opened: progress.opened,
                verified: progress.verified,
                failing: progress.failing,
                without_contact: progress.without_contact,
            },
        }
    }
}

impl From<CampaignPreview> for CampaignPreviewView {
    fn from(preview: CampaignPreview) -> Self {
        Self {
            document_version: preview.version,
            tenants: preview.tenants,
            without_contact: preview.without_contact,
        }
    }
}

impl From<CampaignTenant> for CampaignTenantView {
    fn from(tenant: CampaignTenant) -> Self {
        Self {
            tenant_id: tenant.tenant,
            slug: tenant.slug,
            name: tenant.name,
            status: tenant.status,
            notices: tenant.notices,
            notified_at: tenant.notified_at,
            opened_at: tenant.opened_at,
            verified_at: tenant.verified_at,
            next_notice_at: tenant.due_at,
            failing_checks: tenant.failing_checks,
            has_contact: tenant.has_contact,
        }
    }
}
