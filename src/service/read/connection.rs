//! Reads of a tenant's connection, as its customer sees it.

use super::tenants::{TenantDetail, detail_in};
use crate::domain::approval::Approval;
use crate::domain::document_version::RequestedUpdate;
use crate::domain::ids::{TenantId, TenantRef};
use crate::domain::storage_config::StorageConfig;
use crate::domain::verification::Verification;
use crate::service::{Context, document_versions, read};
use crate::store;

#[derive(Debug, Clone)]
pub(crate) struct Connection {
    pub detail: TenantDetail,
    /// The version that was submitted last, and its newest verification.
    pub newest: Option<(StorageConfig, Verification)>,
    /// Of the newest version. None if it needs none.
    pub approval: Option<Approval>,
    /// What the customer has to update, because the documents changed.
    pub update: Option<RequestedUpdate>,
}

/// None if there is no such tenant.
pub(crate) async fn of_tenant(context: &Context, tenant: TenantId) -> store::Result<Option<Connection>> {
    let mut db = store::acquire(&context.pool).await?;
    let Some(detail) = detail_in(context, &mut db, &TenantRef::Id(tenant)).await? else {
        return Ok(None);
    };
    drop(db);
    let newest = read::verifications::of_newest_version(context, tenant).await?;
    let approval = match &newest {
        Some((config, _)) => read::approvals::of_version(context, config.id).await?,
        None => None,
    };
    Ok(Some(Connection {
        detail,
        newest,
        approval,
        update: document_versions::update_of(context, tenant).await?,
    }))
}
