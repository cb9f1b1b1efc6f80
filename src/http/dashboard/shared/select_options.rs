//! Filter fields of lists: a selection or a text. An empty field does not filter.

use crate::domain::text::{capital, words};

/// An option of a selection.
pub(crate) struct SelectOption {
    pub value: String,
    pub chosen: bool,
}

impl SelectOption {
    /// For display: `action_required` becomes "Action required".
    pub(crate) fn label(&self) -> String {
        capital(&words(&self.value))
    }
}

pub(crate) fn choices<T: ToString>(all: impl Iterator<Item = T>, chosen: Option<&str>) -> Vec<SelectOption> {
    all.map(|one| {
        let value = one.to_string();
        SelectOption {
            chosen: chosen.is_some_and(|chosen| chosen.trim() == value),
            value,
        }
    })
    .collect()
}

/// An option with a text of its own.
pub(crate) struct TimeOption {
    pub value: String,
    pub text: String,
    pub chosen: bool,
}

/// Times to choose from, each with its text. Another one that is in the URL is offered as well.
pub(crate) fn times(offered: &[(&str, &str)], chosen: Option<&str>) -> Vec<TimeOption> {
    let other = chosen.filter(|chosen| offered.iter().all(|(value, _)| value != chosen));
    let option = |(value, text): (&str, &str)| TimeOption {
        value: value.to_owned(),
        text: text.to_owned(),
        chosen: chosen == Some(value),
    };
    offered
        .iter()
        .copied()
        .chain(other.map(|other| (other, other)))
        .map(option)
        .collect()
}

#[expect(clippy::ref_option, reason = "required by serde")]
pub(crate) fn is_blank(text: &Option<String>) -> bool {
    non_empty(text).is_none()
}

/// The text, unless it is empty.
#[expect(clippy::ref_option, reason = "callers have references to fields")]
pub(crate) fn non_empty(text: &Option<String>) -> Option<&str> {
    text.as_deref().map(str::trim).filter(|text| !text.is_empty())
}
