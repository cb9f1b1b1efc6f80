//! The form for a new token.

use chrono::TimeDelta;
use serde::Deserialize;

use crate::domain::ids::TenantRef;
use crate::domain::text::FieldError;
use crate::domain::token::{DEFAULT_LIFETIME, TokenLifetime};

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

/// A lifetime to choose from.
pub(crate) struct LifetimeOption {
    pub value: String,
    pub label: String,
    pub is_selected: bool,
}

impl TokenForm {
    pub(crate) fn is_role(&self, role: &str) -> bool {
        self.role == role || (self.role.is_empty() && role == "service")
    }

    /// The chosen lifetime, if it is one.
    pub(crate) fn lifetime(&self) -> Option<TokenLifetime> {
        if self.days == "never" {
            return Some(TokenLifetime::Never);
        }
        let days = self.days.parse().ok().filter(|days| (1..=36_500).contains(days))?;
        TimeDelta::try_days(days).map(TokenLifetime::For)
    }

    /// The lifetimes that are offered within the limit.
    pub(crate) fn lifetimes(&self, limit: Option<TimeDelta>) -> Vec<LifetimeOption> {
        let longest = limit.map(|limit| limit.num_days());
        let mut offered: Vec<i64> = vec![1, 30, 90, 365];
        offered.retain(|days| longest.is_none_or(|longest| *days <= longest));
        offered.extend(longest.filter(|longest| !offered.contains(longest)));
        let default = DEFAULT_LIFETIME.num_days().min(longest.unwrap_or(i64::MAX)).to_string();
        let option = |value: String, label: String| LifetimeOption {
            is_selected: self.days == value || (self.days.is_empty() && value == default),
            value,
            label,
        };
        let mut options: Vec<LifetimeOption> = offered
            .into_iter()
            .map(|days| {
                let label = match days {
                    1 => "1 day".to_owned(),
                    365 => "1 year".to_owned(),
                    days => format!("{days} days"),
                };
                option(days.to_string(), label)
            })
            .collect();
        if longest.is_none() {
            options.push(option("never".to_owned(), "never expires".to_owned()));
        }
        options
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
