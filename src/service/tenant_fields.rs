//! Validation of a tenant's fields, for creating and editing.

use crate::domain::storage_config::Mode;
use crate::domain::text::{FieldError, Malformed, is_line};
use crate::domain::vendor::Vendor;

/// A required text field.
pub(crate) fn required<T>(
    field: &str,
    text: Option<&str>,
    parse: impl Fn(&str) -> Result<T, Malformed>,
    faults: &mut Vec<FieldError>,
) -> Option<T> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else {
        if faults.iter().all(|fault| fault.field != field) {
            faults.push(FieldError::new(field, "required", format!("{field} is missing")));
        }
        return None;
    };
    parse(text).map_err(|malformed| faults.push(FieldError::of(field, malformed))).ok()
}

/// The vendor's own name for a tenant. An empty text counts as none.
pub(crate) fn reference(text: Option<&str>, faults: &mut Vec<FieldError>) -> Option<String> {
    let text = text.map(str::trim).filter(|text| !text.is_empty())?;
    if !is_line(text, 200) {
        faults.push(FieldError::new(
            "reference",
            "malformed_reference",
            "reference must be a single line of at most 200 characters, such as an account number",
        ));
    }
    Some(text.to_owned())
}

/// The modes that a tenant may choose. Defaults to all modes that the vendor offers.
pub(crate) fn modes(vendor: &Vendor, named: Option<&[String]>, faults: &mut Vec<FieldError>) -> Vec<Mode> {
    let offered = vendor.modes();
    let Some(named) = named else {
        return sorted(offered);
    };
    if named.is_empty() {
        faults.push(FieldError::new(
            "modes",
            "no_mode",
            "name at least one mode, or omit the field for all of them",
        ));
    }
    let mut modes = Vec::new();
    for text in named {
        match text.parse::<Mode>() {
            Ok(mode) if offered.contains(&mode) => modes.push(mode),
            _ => {
                let choice = offered.iter().map(Mode::to_string).collect::<Vec<_>>().join(", ");
                faults.push(FieldError::new(
                    "modes",
                    "mode_not_offered",
                    format!("{text:?} is not available; use {choice}, or omit the field for all of them"),
                ));
            }
        }
    }
    sorted(modes)
}

fn sorted(mut modes: Vec<Mode>) -> Vec<Mode> {
    modes.sort();
    modes.dedup();
    modes
}
