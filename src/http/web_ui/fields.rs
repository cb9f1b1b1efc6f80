//! A form field, with its label, hint, error and suggestion.

use crate::domain::text::FieldError;

/// A field as pages show it.
pub(crate) struct Field {
    pub name: &'static str,
    pub label: &'static str,
    pub hint: String,
    pub example: String,
    pub value: String,
    pub error: Option<String>,
    /// A likely correction.
    pub offer: Option<String>,
    pub optional: bool,
    /// The value was checked and is valid.
    pub right: bool,
    /// What the value is if the field stays empty, because it follows from other fields.
    pub derived: Option<String>,
    /// A CSS class.
    pub class: &'static str,
    /// The first field with an error has the focus.
    pub autofocus: bool,
    /// The ID of a datalist.
    pub list: Option<&'static str>,
    /// The values to choose from, if no text is typed.
    pub choices: Vec<FieldChoice>,
}

/// A value that a field can have.
pub(crate) struct FieldChoice {
    pub value: &'static str,
    /// What the value means.
    pub title: &'static str,
    pub hint: &'static str,
    pub chosen: bool,
}

impl Field {
    pub(crate) fn new(name: &'static str, label: &'static str, value: Option<&str>) -> Self {
        Self {
            name,
            label,
            hint: String::new(),
            example: String::new(),
            value: value.unwrap_or_default().to_owned(),
            error: None,
            offer: None,
            optional: false,
            right: false,
            derived: None,
            class: "",
            autofocus: false,
            list: None,
            choices: Vec::new(),
        }
    }

    pub(crate) fn with_hint(self, hint: &str, example: &str) -> Self {
        Self {
            hint: hint.to_owned(),
            example: example.to_owned(),
            ..self
        }
    }

    /// The field with its error among these, in the words of the page.
    pub(crate) fn judged(self, faults: &[FieldError], words: impl Fn(&FieldError) -> String) -> Self {
        let fault = faults.iter().find(|fault| fault.field == self.name);
        Self {
            error: fault.map(words),
            offer: fault.and_then(|fault| fault.suggestion.clone()),
            ..self
        }
    }
}
