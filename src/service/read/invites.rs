//! Reads of invites.

use crate::domain::ids::TenantId;
use crate::domain::invite::Invite;
use crate::service::Context;
use crate::store::{self, invites};

pub async fn list(context: &Context, tenant: TenantId) -> store::Result<Vec<Invite>> {
    let mut db = context.pool.acquire().await?;
    invites::of_tenant(&mut db, tenant).await
}
