//! Editing a tenant's name, reference and modes. Its slug and external ID cannot be changed.

use super::UnknownTenant;
use super::read::tenants::{TenantDetail, detail_in};
use super::{Caller, Context, tenant_fields};
use crate::domain::audit::{AuditAction, AuditChange};
use crate::domain::ids::{TenantName, TenantRef};
use crate::domain::tenant::IllegalChange;
use crate::domain::text::FieldError;
use crate::store::{self, tenants};

/// A change to an optional field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum FieldChange<T> {
    #[default]
    Keep,
    Clear,
    Set(T),
}

/// The requested changes, not yet validated.
#[derive(Debug, Clone, Default)]
pub struct TenantChange {
    pub name: Option<String>,
    pub reference: FieldChange<String>,
    pub modes: Option<Vec<String>>,
    /// Errors from parsing the request: unknown fields, and fields of a wrong type.
    pub unreadable: Vec<FieldError>,
}

#[derive(Debug, thiserror::Error)]
pub enum ChangeTenantError<E> {
    #[error(transparent)]
    UnknownTenant(#[from] UnknownTenant),
    #[error(transparent)]
    Illegal(#[from] IllegalChange),
    #[error("invalid change")]
    Invalid(Vec<FieldError>),
    /// The caller has not seen the current state.
    #[error("the caller has not seen the current state")]
    Unseen(E),
    #[error(transparent)]
    Store(#[from] store::StoreError),
}

/// Changes a tenant. `seen` checks, in the same transaction, that the caller has seen the current state.
pub async fn change_tenant<E>(
    context: &Context,
    caller: &Caller,
    tenant: &TenantRef,
    change: &TenantChange,
    seen: impl FnOnce(TenantDetail) -> Result<(), E>,
) -> Result<TenantDetail, ChangeTenantError<E>> {
    let (mut db, tenant) = context.begin_for_tenant::<ChangeTenantError<E>>(tenant).await?;
    let id = TenantRef::Id(tenant.id);
    let before = detail_in(context, &mut db, &id).await?.ok_or(UnknownTenant)?;
    before.tenant.facts.may_change()?;
    seen(before.clone()).map_err(ChangeTenantError::Unseen)?;

    let mut faults = change.unreadable.clone();
    let mut after = before.tenant.clone();
    if let Some(name) = &change.name
        && let Some(name) = tenant_fields::required("name", Some(name), TenantName::parse, &mut faults)
    {
        after.name = name;
    }
    match &change.reference {
        FieldChange::Keep => {}
        FieldChange::Clear => after.reference = None,
        FieldChange::Set(text) => after.reference = tenant_fields::reference(Some(text), &mut faults),
    }
    if let Some(modes) = &change.modes {
        after.modes = tenant_fields::modes(&context.vendor, Some(modes), &mut faults);
    }
    if !faults.is_empty() {
        return Err(ChangeTenantError::Invalid(faults));
    }
    if after != before.tenant {
        tenants::update(&mut db, &after).await?;
        let difference = AuditChange::between(&before.tenant, &after);
        context
            .audit(&mut db, caller, AuditAction::TenantChanged, Some(after.id), difference)
            .await?;
    }
    let changed = detail_in(context, &mut db, &id).await?.ok_or(UnknownTenant)?;
    store::commit(db).await?;
    Ok(changed)
}
