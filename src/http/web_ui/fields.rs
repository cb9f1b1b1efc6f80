//! A field of a form, with all that is said of it.

/// As the pages show it.
pub struct Field {
    pub name: &'static str,
    pub label: &'static str,
    pub hint: String,
    pub example: String,
    pub value: String,
    pub error: Option<String>,
    pub offer: Option<FieldSuggestion>,
    pub optional: bool,
    /// It was looked at, and nothing is wrong with it.
    pub right: bool,
    /// What other fields say that this one holds: filled in while it is empty.
    pub fill: Option<String>,
    /// For the stylesheet.
    pub class: &'static str,
    /// The first field with an error has the focus.
    pub autofocus: bool,
    /// Id of a list of values.
    pub list: Option<&'static str>,
}

/// What was probably meant.
pub struct FieldSuggestion {
    /// What was recognised, as the end of a sentence.
    pub kind: &'static str,
    pub value: Option<String>,
}

impl Field {
    pub fn new(name: &'static str, label: &'static str, value: Option<&str>) -> Self {
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

    pub fn explained(self, hint: &str, example: &str) -> Self {
        Self {
            hint: hint.to_owned(),
            example: example.to_owned(),
            ..self
        }
    }

    /// Says of a mistake that was recognised what it is, in the place of what it is not.
    pub fn recognise(&mut self) {
        match (&mut self.error, &self.offer) {
            (Some(error), Some(offer)) if offer.value.is_some() => *error = format!("This is {}.", offer.kind),
            (Some(error), Some(offer)) => *error = format!("This is {}. It should look like {}.", offer.kind, self.example),
            _ => self.offer = None,
        }
    }

    pub fn judged(self, error: Option<String>, offer: Option<FieldSuggestion>) -> Self {
        Self { error, offer, ..self }
    }
}
