//! API representation of approvals.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::StorageConfigView;
use crate::domain::approval::{Approval, ApprovalState, PendingApproval};
use crate::domain::ids::{Slug, TenantId};

/// A verified version that an operator must approve before it replaces the active one.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Approval)]
pub(crate) struct ApprovalView {
    pub state: ApprovalState,
    pub requested_at: DateTime<Utc>,
    /// When it left the state `pending`.
    pub decided_at: Option<DateTime<Utc>>,
    /// The version to approve.
    pub config: StorageConfigView,
}

impl From<Approval> for ApprovalView {
    fn from(approval: Approval) -> Self {
        Self {
            state: approval.state,
            requested_at: approval.requested_at,
            decided_at: approval.decided_at,
            config: approval.config.into(),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PendingApproval)]
pub(crate) struct PendingApprovalView {
    pub tenant_id: TenantId,
    pub slug: Slug,
    #[serde(flatten)]
    pub approval: ApprovalView,
    /// The active version, which it would replace.
    pub replaces: Option<StorageConfigView>,
}

impl From<PendingApproval> for PendingApprovalView {
    fn from(pending: PendingApproval) -> Self {
        Self {
            tenant_id: pending.approval.config.tenant_id,
            slug: pending.slug,
            approval: pending.approval.into(),
            replaces: pending.active.map(StorageConfigView::from),
        }
    }
}
