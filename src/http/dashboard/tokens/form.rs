//! The form for a new token.

use serde::Deserialize;

use crate::domain::ids::TenantRef;
use crate::domain::text::FieldError;

/// The fields as they were submitted.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct TokenForm {
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub role: String,
    /// How many days the token is valid, or `never` for one that does not expire.
    #[serde(default)]
    pub days: String,
    /// Slugs or IDs.
    #[serde(default)]
    pub tenants: String,
}

impl TokenForm {
    pub(crate) fn is_role(&self, role: &str) -> bool {
        self.role == role || (self.role.is_empty() && role == "service")
    }

    pub(crate) fn is_days(&self, days: &str) -> bool {
        self.days == days || (self.days.is_empty() && days == "90")
    }

    /// The tenants that the token is limited to, if any are named.
    pub(crate) fn limits(&self, faults: &mut Vec<FieldError>) -> Option<Vec<TenantRef>> {
        let named: Vec<&str> = self
            .tenants
            .split([',', ' ', '\n', '\r', '\t'])
            .filter(|text| !text.is_empty())
            .collect();
        let parsed = named.iter().filter_map(|text| {
            let parsed = TenantRef::parse(text);
            parsed
                .map_err(|malformed| faults.push(FieldError::new("tenants", malformed.code, format!("{text}: {}", malformed.detail))))
                .ok()
        });
        let parsed = parsed.collect();
        (!named.is_empty()).then_some(parsed)
    }
}
