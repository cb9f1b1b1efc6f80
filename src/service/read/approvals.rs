//! Reads of approvals.

use super::PageStart;
use crate::domain::approval::Approval;
use crate::domain::ids::{StorageConfigId, TenantRef};
use crate::domain::storage_config::StorageConfig;
use crate::domain::tenant::Tenant;
use crate::service::Context;
use crate::store::{self, StoreError, active_configs, approvals, tenants};

/// A pending approval, with what it would replace.
#[derive(Debug, Clone)]
pub struct PendingApproval {
    pub tenant: Tenant,
    pub approval: Approval,
    /// None if the tenant has no active version any more.
    pub active: Option<StorageConfig>,
}

/// Pending approvals, the oldest first.
pub async fn pending(context: &Context, after: Option<PageStart<StorageConfigId>>, limit: i64) -> store::Result<Vec<PendingApproval>> {
    let mut db = context.pool.acquire().await?;
    let found = approvals::pending(&mut db, after, limit).await?;
    let mut pending = Vec::with_capacity(found.len());
    for approval in found {
        let id = approval.config.tenant_id;
        let tenant = tenants::find(&mut db, &TenantRef::Id(id))
            .await?
            .ok_or_else(|| StoreError::inconsistent("approvals", approval.config.id, "its tenant is missing"))?;
        let active = active_configs::find(&mut db, id).await?.map(|active| active.config);
        pending.push(PendingApproval { tenant, approval, active });
    }
    Ok(pending)
}

/// The approval of a tenant's version, if one was requested.
pub async fn of_version(context: &Context, config: StorageConfigId) -> store::Result<Option<Approval>> {
    let mut db = context.pool.acquire().await?;
    approvals::find(&mut db, config).await
}
