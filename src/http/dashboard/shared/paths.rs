//! Paths of the dashboard's pages.

use crate::domain::tenant::Tenant;

/// The path of a tenant's page. An offboarded tenant is addressed by ID: its slug may belong to another tenant by now.
pub(crate) fn tenant_path(tenant: &Tenant) -> String {
    match tenant.facts.offboarded_at {
        None => format!("/tenants/{}", tenant.slug),
        Some(_) => format!("/tenants/{}", tenant.id),
    }
}
