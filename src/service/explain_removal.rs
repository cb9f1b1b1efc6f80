//! The steps with which a customer removes the granted access in AWS.

use sqlx::PgConnection;

use super::Context;
use crate::domain::templates::removal::{Removal, removal};
use crate::domain::templates::sid::SidSuffix;
use crate::domain::tenant::Tenant;
use crate::store::{self, storage_configs};

/// Available before offboarding too, so that operators can prepare it.
pub(crate) async fn explain_removal(context: &Context, tenant: &Tenant) -> store::Result<Removal> {
    let mut db = context.pool.acquire().await?;
    of_tenant(context, &mut db, tenant).await
}

pub(super) async fn of_tenant(context: &Context, db: &mut PgConnection, tenant: &Tenant) -> store::Result<Removal> {
    let configs = storage_configs::different(db, tenant.id).await?;
    let submitted: Vec<_> = configs.into_iter().map(|config| config.storage).collect();
    Ok(removal(&context.vendor.name, SidSuffix::of(tenant.id), &submitted, &tenant.modes))
}
