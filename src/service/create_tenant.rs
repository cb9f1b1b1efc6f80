//! Creating a tenant: names in, an external ID out.

use super::{Caller, Context};
use crate::domain::audit::Action;
use crate::domain::external_id::ExternalId;
use crate::domain::ids::{Slug, TenantName};
use crate::domain::storage_config::Mode;
use crate::domain::tenant::{Facts, Tenant};
use crate::domain::text::FieldError;
use crate::store::{self, Constraint, tenants};

/// The fields as they came.
#[derive(Debug, Clone, Default)]
pub struct NewTenant {
    pub slug: Option<String>,
    pub name: Option<String>,
    pub reference: Option<String>,
    pub modes: Option<Vec<String>>,
    /// Faults of reading: fields that are unknown, or of another type.
    pub unreadable: Vec<FieldError>,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the tenant is not valid")]
    Invalid(Vec<FieldError>),
    #[error("the slug is taken")]
    SlugTaken(Slug),
    #[error(transparent)]
    Store(#[from] store::Error),
}

pub async fn create_tenant(context: &Context, caller: &Caller, new: &NewTenant) -> Result<Tenant, Error> {
    let tenant = judge(context, new).map_err(Error::Invalid)?;
    let mut db = context.pool.begin().await.map_err(store::Error::from)?;
    match tenants::insert(&mut db, &tenant).await {
        Err(store::Error::Constraint(Constraint::TenantsSlugKey)) => return Err(Error::SlugTaken(tenant.slug)),
        inserted => inserted?,
    }
    let detail = serde_json::json!({"slug": tenant.slug, "name": tenant.name, "reference": tenant.reference, "modes": tenant.modes});
    context
        .audit(&mut db, caller, Action::TenantCreated, Some(tenant.id), detail)
        .await?;
    db.commit().await.map_err(store::Error::from)?;
    Ok(tenant)
}

fn judge(context: &Context, new: &NewTenant) -> Result<Tenant, Vec<FieldError>> {
    let mut faults = new.unreadable.clone();
    let slug = required("slug", new.slug.as_deref(), &mut faults).and_then(|text| keep("slug", Slug::parse(text), &mut faults));
    let name = required("name", new.name.as_deref(), &mut faults).and_then(|text| keep("name", TenantName::parse(text), &mut faults));
    let reference = new.reference.as_deref().map(str::trim).filter(|text| !text.is_empty());
    if reference.is_some_and(|text| text.chars().count() > 200 || text.chars().any(char::is_control)) {
        faults.push(FieldError::new(
            "reference",
            "malformed_reference",
            "a reference is at most 200 characters on one line, such as an account number",
        ));
    }
    let offered = context.vendor.modes();
    let mut modes = Vec::new();
    for text in new.modes.iter().flatten() {
        match text.parse::<Mode>() {
            Ok(mode) if offered.contains(&mode) => modes.push(mode),
            _ => {
                let names = offered.iter().map(Mode::to_string).collect::<Vec<_>>().join(", ");
                faults.push(FieldError::new(
                    "modes",
                    "mode_not_offered",
                    format!("{text:?} is not offered; choose among {names}, or leave the field out for all of them"),
                ));
            }
        }
    }
    if new.modes.as_ref().is_some_and(Vec::is_empty) {
        faults.push(FieldError::new(
            "modes",
            "no_mode",
            "name one mode at least, or leave the field out for all of them",
        ));
    }
    if new.modes.is_none() {
        modes = offered;
    }
    modes.sort();
    modes.dedup();
    match (slug, name) {
        (Some(slug), Some(name)) if faults.is_empty() => Ok(Tenant {
            id: context.clock.uuid().into(),
            slug,
            name,
            reference: reference.map(str::to_owned),
            modes,
            external_id: ExternalId::from_random(context.clock.random()),
            rotation: None,
            created_at: context.clock.now(),
            facts: Facts::default(),
        }),
        _ => Err(faults),
    }
}

fn required<'a>(field: &str, text: Option<&'a str>, faults: &mut Vec<FieldError>) -> Option<&'a str> {
    let text = text.map(str::trim).filter(|text| !text.is_empty());
    if text.is_none() && faults.iter().all(|fault| fault.field != field) {
        faults.push(FieldError::new(field, "required", format!("{field} is missing")));
    }
    text
}

fn keep<T>(field: &str, parsed: Result<T, crate::domain::text::Malformed>, faults: &mut Vec<FieldError>) -> Option<T> {
    parsed.map_err(|malformed| faults.push(FieldError::of(field, malformed))).ok()
}
