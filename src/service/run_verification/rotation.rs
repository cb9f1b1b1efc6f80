//! What a verified rotation changes: the new external ID comes into use, or the previous one is retired.

use sqlx::PgConnection;

use crate::domain::audit::{AuditAction, AuditChange};
use crate::domain::ids::{TenantId, TenantRef};
use crate::domain::tenant::{Rotation, Tenant};
use crate::service::{Caller, Context};
use crate::store::{self, tenants};
use crate::verifier::VerificationSubject;

/// Whether the rotation is still in the state in which the run started. The tenant must be locked.
pub(crate) async fn is_wanted(db: &mut PgConnection, tenant: TenantId, subject: Option<&VerificationSubject>) -> store::Result<bool> {
    let tenant = find(db, tenant).await?;
    Ok(match (&tenant.rotation, subject) {
        (Some(Rotation::Issued { next }), Some(subject)) => *next == subject.external_id && subject.retired_id.is_none(),
        (Some(Rotation::Ending { previous }), Some(subject)) => subject.retired_id.as_ref() == Some(previous),
        // The run had no subject, so it says nothing about the rotation.
        (Some(_), None) => true,
        _ => false,
    })
}

/// Advances the rotation after a successful verification. The tenant must be locked.
pub(crate) async fn advance(
    context: &Context,
    db: &mut PgConnection,
    tenant: TenantId,
    subject: &VerificationSubject,
) -> store::Result<()> {
    let tenant = find(db, tenant).await?;
    let now = context.clock.now();
    let (rotation, action) = match &tenant.rotation {
        Some(Rotation::Issued { .. }) => {
            let previous = tenant.external_id.clone();
            (Some(Rotation::Overlap { previous }), AuditAction::ExternalIdProven)
        }
        Some(Rotation::Ending { .. }) => (None, AuditAction::ExternalIdRetired),
        Some(Rotation::Overlap { .. }) | None => return Ok(()),
    };
    tenants::set_external_ids(db, tenant.id, &subject.external_id, rotation.as_ref(), now).await?;
    let difference = AuditChange::between(&tenant, &find(db, tenant.id).await?);
    context.audit(db, &Caller::system(), action, Some(tenant.id), difference).await
}

async fn find(db: &mut PgConnection, id: TenantId) -> store::Result<Tenant> {
    tenants::find(db, &TenantRef::Id(id))
        .await?
        .ok_or_else(|| store::StoreError::inconsistent("tenants", id, "it is missing"))
}
