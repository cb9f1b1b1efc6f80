//! The form for a tenant's fields, for creating and editing.

use serde::{Deserialize, Serialize};

use crate::domain::storage_config::Mode;
use crate::domain::tenant::Tenant;
use crate::domain::text::FieldError;
use crate::domain::token::TokenHash;
use crate::http::web_ui::fields::Field;
use crate::http::web_ui::sentence;
use crate::service::Context;

/// The fields as they were submitted.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct TenantForm {
    #[serde(default)]
    pub slug: String,
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub reference: String,
    assume_role: Option<String>,
    direct: Option<String>,
    /// A digest of the state that the page showed.
    #[serde(default)]
    pub known: String,
}

/// A mode and its checkbox.
pub(crate) struct ModeBox {
    pub mode: Mode,
    pub text: &'static str,
    pub ticked: bool,
}

impl TenantForm {
    /// The form for a new tenant.
    pub(crate) fn empty() -> Self {
        let on = Some("on".to_owned());
        Self {
            assume_role: on.clone(),
            direct: on,
            ..Self::default()
        }
    }

    pub(crate) fn of(tenant: &Tenant) -> Self {
        let ticked = |mode| tenant.modes.contains(&mode).then(|| "on".to_owned());
        Self {
            slug: tenant.slug.to_string(),
            name: tenant.name.to_string(),
            reference: tenant.reference.clone().unwrap_or_default(),
            assume_role: ticked(Mode::AssumeRole),
            direct: ticked(Mode::Direct),
            known: known(tenant),
        }
    }

    fn ticks(&self, mode: Mode) -> bool {
        match mode {
            Mode::AssumeRole => self.assume_role.is_some(),
            Mode::Direct => self.direct.is_some(),
        }
    }

    /// The selected modes. All offered modes if there is nothing to choose.
    pub(crate) fn modes(&self, context: &Context) -> Option<Vec<String>> {
        let offered = context.vendor.modes();
        let ticked = offered.iter().filter(|mode| self.ticks(**mode)).map(Mode::to_string);
        (offered.len() > 1).then(|| ticked.collect())
    }

    pub(crate) fn boxes(&self, context: &Context) -> Vec<ModeBox> {
        let boxed = context.vendor.modes().into_iter().map(|mode| ModeBox {
            mode,
            text: match mode {
                Mode::AssumeRole => "A role in the customer’s account",
                Mode::Direct => "The vendor’s role, named in the customer’s policies",
            },
            ticked: self.ticks(mode),
        });
        boxed.collect()
    }

    /// The text fields, with their entries and errors.
    pub(crate) fn fields(&self, with_slug: bool, faults: &[FieldError]) -> Vec<Field> {
        let mut fields = Vec::new();
        if with_slug {
            fields.push(Field::new("slug", "Slug", Some(&self.slug)).with_hint(
                "Identifies the tenant in URLs and in the API: lowercase letters, digits and hyphens. It cannot be changed later.",
                "acme-corp",
            ));
        }
        fields.push(Field::new("name", "Name", Some(&self.name)).with_hint("The name that the customer sees.", "Acme Corporation"));
        fields.push(Field {
            optional: true,
            ..Field::new("reference", "Reference", Some(&self.reference))
                .with_hint("Your own reference. You can search by it.", "CRM-20417")
        });
        let fault = |name: &str| faults.iter().find(|fault| fault.field == name);
        for field in &mut fields {
            field.error = fault(field.name).map(|fault| match fault.code.as_str() {
                "required" => format!("Enter a {}.", field.label.to_lowercase()),
                _ => sentence(&fault.detail),
            });
        }
        if let Some(first) = fields.iter_mut().find(|field| field.error.is_some()) {
            first.autofocus = true;
        }
        fields
    }
}

/// The error of the modes, if there is one.
pub(crate) fn modes_fault(faults: &[FieldError]) -> Option<String> {
    let fault = faults.iter().find(|fault| fault.field == "modes")?;
    Some(match fault.code.as_str() {
        "no_mode" => "Select at least one.".to_owned(),
        _ => sentence(&fault.detail),
    })
}

/// A digest of the editable fields, to detect concurrent changes.
pub(crate) fn known(tenant: &Tenant) -> String {
    #[derive(Serialize)]
    struct Editable<'a> {
        name: &'a str,
        reference: Option<&'a str>,
        modes: &'a [Mode],
    }
    let editable = Editable {
        name: tenant.name.as_str(),
        reference: tenant.reference.as_deref(),
        modes: &tenant.modes,
    };
    let text = serde_json::to_string(&editable).unwrap_or_default();
    hex::encode(&TokenHash::of(&text).as_bytes()[..16])
}
