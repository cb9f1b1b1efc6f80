//! What a list is filtered by: one of several, or a text; what is left empty filters nothing.

use crate::http::web_ui::capital;

/// One of several, chosen or not.
pub struct SelectOption {
    pub value: String,
    pub chosen: bool,
}

impl SelectOption {
    /// As people read it: `action_required` is "Action required".
    pub fn words(&self) -> String {
        capital(&self.value.replace('_', " "))
    }
}

pub fn choices<T: ToString>(all: impl Iterator<Item = T>, chosen: Option<&str>) -> Vec<SelectOption> {
    all.map(|one| {
        let value = one.to_string();
        SelectOption {
            chosen: chosen.is_some_and(|chosen| chosen.trim() == value),
            value,
        }
    })
    .collect()
}

#[expect(clippy::ref_option, reason = "as serde hands it")]
pub fn is_blank(text: &Option<String>) -> bool {
    given(text).is_none()
}

/// What was typed, unless that is nothing.
#[expect(clippy::ref_option, reason = "as a form's fields are")]
pub fn given(text: &Option<String>) -> Option<&str> {
    text.as_deref().map(str::trim).filter(|text| !text.is_empty())
}
