//! Creating a tenant, and issuing its external ID.

use chrono::{DateTime, SecondsFormat, Utc};

use super::{Caller, Context, tenant_fields};
use crate::domain::audit::{AuditAction, AuditChange};
use crate::domain::external_id::ExternalId;
use crate::domain::ids::{Slug, TenantName};
use crate::domain::tenant::{Tenant, TenantFacts};
use crate::domain::text::FieldError;
use crate::store::{self, Constraint, tenants};

/// The requested fields, not yet validated.
#[derive(Debug, Clone, Default)]
pub struct NewTenant {
    pub slug: Option<String>,
    pub name: Option<String>,
    pub reference: Option<String>,
    pub modes: Option<Vec<String>>,
    /// Errors from parsing the request: unknown fields, and fields of a wrong type.
    pub unreadable: Vec<FieldError>,
}

#[derive(Debug, thiserror::Error)]
pub enum CreateTenantError {
    #[error("invalid tenant")]
    Invalid(Vec<FieldError>),
    #[error("the slug is taken")]
    SlugTaken(Slug),
    /// A tenant with the slug was offboarded a short time ago.
    #[error("the slug is reserved until {until}")]
    SlugReserved { slug: Slug, until: DateTime<Utc> },
    #[error(transparent)]
    Store(#[from] store::StoreError),
}

pub async fn create_tenant(context: &Context, caller: &Caller, new: &NewTenant) -> Result<Tenant, CreateTenantError> {
    let tenant = validate(context, new).map_err(CreateTenantError::Invalid)?;
    let mut db = store::begin(&context.pool).await?;
    match tenants::insert(&mut db, &tenant).await {
        Err(store::StoreError::Constraint(Constraint::TenantsSlugKey)) => return Err(CreateTenantError::SlugTaken(tenant.slug)),
        inserted => inserted?,
    }
    // After the insertion: only now nobody can offboard a tenant with this slug at the same time.
    if let Some(released_at) = tenants::slug_released_at(&mut db, &tenant.slug).await? {
        let until = released_at + context.limits.slug_reservation;
        if until > tenant.created_at {
            return Err(CreateTenantError::SlugReserved { slug: tenant.slug, until });
        }
    }
    context
        .audit(
            &mut db,
            caller,
            AuditAction::TenantCreated,
            Some(tenant.id),
            AuditChange::made(&tenant),
        )
        .await?;
    store::commit(db).await?;
    Ok(tenant)
}

/// The error of a slug that is available later.
pub(crate) fn slug_reserved(until: DateTime<Utc>) -> FieldError {
    let until = until.to_rfc3339_opts(SecondsFormat::Secs, true);
    let detail = format!(
        "it belonged to a tenant that was offboarded, and services may still ask by it; choose another one, or use it after {until} (LATCHKEY_SLUG_RESERVATION_DAYS)"
    );
    FieldError::new("slug", "slug_reserved", detail)
}

/// Forgets the slugs that are no longer reserved.
pub async fn sweep(context: &Context) -> store::Result<()> {
    let mut db = context.pool.acquire().await?;
    tenants::forget_released_slugs(&mut db, context.clock.now() - context.limits.slug_reservation).await
}

fn validate(context: &Context, new: &NewTenant) -> Result<Tenant, Vec<FieldError>> {
    let mut faults = new.unreadable.clone();
    let slug = tenant_fields::required("slug", new.slug.as_deref(), Slug::parse, &mut faults);
    let name = tenant_fields::required("name", new.name.as_deref(), TenantName::parse, &mut faults);
    let reference = tenant_fields::reference(new.reference.as_deref(), &mut faults);
    let modes = tenant_fields::modes(&context.vendor, new.modes.as_deref(), &mut faults);
    match (slug, name) {
        (Some(slug), Some(name)) if faults.is_empty() => {
            let now = context.clock.now();
            Ok(Tenant {
                id: context.clock.uuid().into(),
                slug,
                name,
                reference,
                modes,
                external_id: ExternalId::from_random(context.clock.random()),
                rotation: None,
                created_at: now,
                erased_at: None,
                status_since: now,
                failing_checks: Vec::new(),
                facts: TenantFacts::default(),
            })
        }
        _ => Err(faults),
    }
}
