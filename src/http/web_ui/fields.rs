//! A form field, with its label, hint, error and suggestion.

/// A field as pages show it.
pub(crate) struct Field {
    pub name: &'static str,
    pub label: &'static str,
    pub hint: String,
    pub example: String,
    pub value: String,
    pub error: Option<String>,
    pub offer: Option<FieldSuggestion>,
    pub optional: bool,
    /// The value was checked and is valid.
    pub right: bool,
    /// The value that follows from other fields. It is filled in while the field is empty.
    pub fill: Option<String>,
    /// A CSS class.
    pub class: &'static str,
    /// The first field with an error has the focus.
    pub autofocus: bool,
    /// The ID of a datalist.
    pub list: Option<&'static str>,
}

/// A likely correction.
pub(crate) struct FieldSuggestion {
    /// What was recognized, as the end of a sentence.
    pub kind: &'static str,
    pub value: Option<String>,
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
            fill: None,
            class: "",
            autofocus: false,
            list: None,
        }
    }

    pub(crate) fn with_hint(self, hint: &str, example: &str) -> Self {
        Self {
            hint: hint.to_owned(),
            example: example.to_owned(),
            ..self
        }
    }

    /// If the mistake was recognized, the error says what the value is instead of what it is not.
    pub(crate) fn recognize(&mut self) {
        match (&mut self.error, &self.offer) {
            (Some(error), Some(offer)) if offer.value.is_some() => *error = format!("This is {}.", offer.kind),
            (Some(error), Some(offer)) => *error = format!("This is {}. It should look like {}.", offer.kind, self.example),
            _ => self.offer = None,
        }
    }

    pub(crate) fn judged(self, error: Option<String>, offer: Option<FieldSuggestion>) -> Self {
        Self { error, offer, ..self }
    }
}
