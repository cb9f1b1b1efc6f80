//! The filter and page of a list of tenants, from the query of the API and of the dashboard.

use serde::Deserialize;
use strum::IntoEnumIterator;
use utoipa::IntoParams;

use crate::domain::check::CheckName;
use crate::domain::document_version::KindNumbers;
use crate::domain::moment::Moment;
use crate::domain::storage_config::Mode;
use crate::domain::tenant::{TenantFilter, TenantStatus};
use crate::domain::text::FieldError;
use crate::service::{Context, StoreError, document_versions};

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct TenantListParams {
    /// Only tenants with this status.
    #[param(value_type = Option<TenantStatus>)]
    pub status: Option<String>,
    /// Search terms. Each must be a prefix of a word in the slug, name or reference.
    pub q: Option<String>,
    /// Only tenants that may choose this mode.
    #[param(value_type = Option<Mode>)]
    pub mode: Option<String>,
    /// Only tenants whose most recent finished verification failed this check.
    #[param(value_type = Option<CheckName>)]
    pub failing_check: Option<String>,
    /// Only tenants whose active version was last confirmed before this time, lightly or in full. An RFC 3339 time, or how long ago, such
    /// as `6h`. The longest ago first.
    #[param(example = "6h")]
    pub confirmed_before: Option<String>,
    /// Only tenants whose active version was last verified in full before this time. Without `confirmed_before`, the longest ago first.
    #[param(example = "7d")]
    pub verified_in_full_before: Option<String>,
    /// `outdated`: only tenants whose active version was not verified against the current documents of its mode.
    pub documents: Option<String>,
    /// Only tenants whose active version was not verified against this version of the documents, or a higher one.
    #[param(minimum = 1)]
    pub document_version_below: Option<i32>,
    /// The number of items, 1 to 200.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<i64>,
    /// `next_cursor` of the previous page.
    pub cursor: Option<String>,
}

/// Parses a parameter that has a fixed set of values.
pub(crate) fn parse_choice<T: std::str::FromStr + ToString>(
    field: &str,
    text: Option<&str>,
    all: impl Iterator<Item = T>,
    faults: &mut Vec<FieldError>,
) -> Option<T> {
    let text = text?.trim();
    let found = text.parse().ok();
    if found.is_none() {
        let all: Vec<String> = all.map(|one| one.to_string()).collect();
        let detail = format!("unknown {field} {text:?}; use one of {}", all.join(", "));
        faults.push(FieldError::new(field, &format!("unknown_{field}"), detail));
    }
    found
}

/// Parses a time, or how long ago.
pub(crate) fn parse_moment(field: &str, text: Option<&str>, faults: &mut Vec<FieldError>) -> Option<Moment> {
    Moment::parse(text?)
        .map_err(|malformed| faults.push(FieldError::of(field, malformed)))
        .ok()
}

impl TenantListParams {
    /// The filter, also by documents. Parameters that cannot be parsed are reported in `faults`.
    pub(crate) async fn filter_with_documents(&self, context: &Context, faults: &mut Vec<FieldError>) -> Result<TenantFilter, StoreError> {
        let mut filter = self.filter(faults);
        if let Some(below) = self.document_version_below {
            if below < 1 {
                faults.push(FieldError::new(
                    "document_version_below",
                    "out_of_range",
                    "document_version_below must be at least 1",
                ));
            }
            filter.documents_below = Some(KindNumbers::all(below));
        }
        match self.documents.as_deref().map(str::trim) {
            None => {}
            Some("outdated") if self.document_version_below.is_none() => {
                filter.documents_below = Some(document_versions::current(context).await?.since);
            }
            Some("outdated") => faults.push(FieldError::new(
                "documents",
                "conflict",
                "send either documents or document_version_below",
            )),
            Some(other) => {
                let detail = format!("unknown documents {other:?}; use outdated");
                faults.push(FieldError::new("documents", "unknown_documents", detail));
            }
        }
        Ok(filter)
    }

    /// The filter without that by documents. Parameters that cannot be parsed are reported in `faults`.
    pub(crate) fn filter(&self, faults: &mut Vec<FieldError>) -> TenantFilter {
        let words = self.q.as_deref().map(|text| {
            let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
            words.map(str::to_lowercase).collect::<Vec<_>>()
        });
        if words.as_ref().is_some_and(Vec::is_empty) {
            faults.push(FieldError::new("q", "no_words", "enter at least one letter or digit"));
        }
        if self.q.as_deref().is_some_and(|text| text.chars().any(char::is_control)) {
            faults.push(FieldError::new("q", "malformed_q", "remove the control characters"));
        }
        TenantFilter {
            status: parse_choice("status", self.status.as_deref(), TenantStatus::iter(), faults),
            words,
            mode: parse_choice("mode", self.mode.as_deref(), [Mode::AssumeRole, Mode::Direct].into_iter(), faults),
            failing_check: parse_choice("failing_check", self.failing_check.as_deref(), CheckName::iter(), faults),
            confirmed_before: parse_moment("confirmed_before", self.confirmed_before.as_deref(), faults),
            verified_in_full_before: parse_moment("verified_in_full_before", self.verified_in_full_before.as_deref(), faults),
            documents_below: None,
        }
    }
}
