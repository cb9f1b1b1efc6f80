//! API representation of a connection, as its customer sees it.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::StorageConfigView;
use super::tenant::{ActiveView, TenantView};
use crate::domain::access_level::AccessLevel;
use crate::domain::approval::ApprovalState;
use crate::domain::arn::RoleArn;
use crate::domain::check::{CheckName, CheckStatus};
use crate::domain::document_version::{DocumentChange, RequestedUpdate};
use crate::domain::external_id::ExternalId;
use crate::domain::ids::{Slug, TenantId, TenantName, VerificationId};
use crate::domain::invite::InvitePurpose;
use crate::domain::region::Region;
use crate::domain::storage_config::Mode;
use crate::domain::tenant::TenantStatus;
use crate::domain::vendor::Vendor;
use crate::domain::verification::{Verdict, Verification, VerificationState};
use crate::service::open_invite::TokenSession;
use crate::service::read::connection::Connection;

/// The state of a connection. The names of its fields are unique, so that a shell script can pick them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Connection)]
pub(crate) struct ConnectionView {
    pub tenant_id: TenantId,
    pub slug: Slug,
    pub tenant_name: TenantName,
    pub vendor_name: String,
    /// An email address, a URL, or plain text.
    pub vendor_contact: Option<String>,
    /// How the vendor can access the bucket, the recommended way first.
    pub offered_modes: Vec<OfferedModeView>,
    /// What the vendor may be granted, the default first.
    pub offered_access: Vec<AccessLevel>,
    /// Where the bucket and the key may be.
    pub offered_regions: Vec<Region>,
    /// The name of a role in the mode `assume_role` must start with it.
    pub role_name_prefix: Option<String>,
    /// The external ID that your policies must require.
    pub external_id: ExternalId,
    /// A new external ID that was issued by a rotation but not verified yet. Accept both until it is in use.
    pub next_external_id: Option<ExternalId>,
    /// The previous external ID during a rotation. It is accepted until the rotation ends, and must be denied after that.
    pub previous_external_id: Option<ExternalId>,
    pub status: TenantStatus,
    pub status_since: DateTime<Utc>,
    pub invite_purpose: InvitePurpose,
    /// When the token expires, which is when its invite does.
    pub token_expires_at: DateTime<Utc>,
    /// Whether a storage config can be submitted with this token.
    pub may_submit: bool,
    /// The version in use.
    pub active: Option<ActiveView>,
    /// The version that was submitted last.
    pub newest: Option<StorageConfigView>,
    /// The newest verification of `newest`.
    pub newest_verification: Option<VerificationSummaryView>,
    /// Whether the vendor has approved `newest`. Null if it needs no approval.
    pub approval: Option<ApprovalState>,
    /// The documents have changed, and the ones that you applied are not known to suffice. Null if there is nothing to update.
    pub document_update: Option<DocumentUpdateView>,
}

/// A mode, with the role of the vendor that it grants access to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OfferedMode)]
pub(crate) struct OfferedModeView {
    pub mode: Mode,
    pub vendor_role_arn: RoleArn,
}

/// A verification without its checks.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = VerificationSummary)]
pub(crate) struct VerificationSummaryView {
    pub id: VerificationId,
    pub version: i32,
    pub state: VerificationState,
    pub verdict: Option<Verdict>,
    /// Starts at 1. 0 while queued.
    pub attempt: i32,
    pub next_attempt_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
    pub failing_checks: Vec<CheckName>,
}

impl From<Verification> for VerificationSummaryView {
    fn from(verification: Verification) -> Self {
        let failed = verification.findings.iter().filter(|finding| finding.status == CheckStatus::Failed);
        Self {
            failing_checks: failed.map(|finding| finding.check).collect(),
            id: verification.id,
            version: verification.version,
            state: verification.state,
            verdict: verification.verdict,
            attempt: verification.attempt,
            next_attempt_at: verification.next_attempt_at,
            created_at: verification.created_at,
            finished_at: verification.finished_at,
        }
    }
}

/// What to update in AWS: get the documents again and apply them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DocumentUpdate)]
pub(crate) struct DocumentUpdateView {
    /// The version of the documents that is issued now.
    pub document_version: i32,
    /// The version that the changes are relative to.
    pub from_version: Option<i32>,
    pub changes: Vec<DocumentUpdateChangeView>,
    /// What the vendor says about it.
    pub message: Option<String>,
    pub deadline: Option<NaiveDate>,
}

/// One difference between the documents.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DocumentUpdateChange)]
pub(crate) struct DocumentUpdateChangeView {
    #[schema(example = "bucket-policy")]
    pub document: String,
    /// The `Sid` of the statement. Null for what is not a statement.
    pub statement: Option<String>,
    #[schema(example = "adds s3:GetBucketLogging to the bucket policy")]
    pub summary: String,
}

impl From<DocumentChange> for DocumentUpdateChangeView {
    fn from(change: DocumentChange) -> Self {
        Self {
            document: change.document,
            statement: change.statement,
            summary: change.summary,
        }
    }
}

impl From<RequestedUpdate> for DocumentUpdateView {
    fn from(requested: RequestedUpdate) -> Self {
        let update = requested.update;
        Self {
            document_version: update.version,
            from_version: update.from,
            changes: update.changes.into_iter().map(DocumentUpdateChangeView::from).collect(),
            message: requested.message.map(|message| message.as_str().to_owned()),
            deadline: requested.deadline,
        }
    }
}

impl ConnectionView {
    pub(crate) fn new(connection: Connection, vendor: &Vendor, contact: Option<String>, session: &TokenSession) -> Self {
        let tenant = TenantView::from(connection.detail.tenant);
        let offered = vendor.modes().into_iter().filter(|mode| tenant.modes.contains(mode));
        let (newest, verification) = connection.newest.unzip();
        Self {
            offered_modes: offered
                .filter_map(|mode| {
                    Some(OfferedModeView {
                        mode,
                        vendor_role_arn: vendor.role(mode)?.clone(),
                    })
                })
                .collect(),
            offered_access: vendor.levels.clone(),
            offered_regions: vendor.regions.of(vendor.partition()),
            role_name_prefix: vendor.client_role_prefix.as_ref().map(ToString::to_string),
            tenant_id: tenant.id,
            slug: tenant.slug,
            tenant_name: tenant.name,
            vendor_name: vendor.name.clone(),
            vendor_contact: contact,
            external_id: tenant.external_id,
            next_external_id: tenant.next_external_id,
            previous_external_id: tenant.previous_external_id,
            status: tenant.status,
            status_since: tenant.status_since,
            invite_purpose: session.invite.purpose,
            token_expires_at: session.invite.expires_at,
            may_submit: session.may_submit(),
            active: connection.detail.active.map(|active| ActiveView {
                config: active.config.into(),
                verified_at: active.verified_at,
            }),
            newest: newest.map(StorageConfigView::from),
            newest_verification: verification.map(VerificationSummaryView::from),
            approval: connection.approval.map(|approval| approval.state),
            document_update: connection.update.map(DocumentUpdateView::from),
        }
    }
}
