//! Validated text, the basis of the domain's IDs, ARNs and names, and the errors of invalid input.

use std::fmt;

/// Why a text is invalid. It does not name the field, which only the caller knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Malformed {
    /// A stable code for programs, such as `alias_arn`.
    pub code: &'static str,
    /// What is wrong and how to fix it, for people. Ends with the suggestion, if there is one.
    pub detail: String,
    /// The value that was probably meant. It is never used without the user's consent.
    pub suggestion: Option<String>,
}

impl Malformed {
    pub fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            suggestion: None,
        }
    }

    /// The same error, with the value that was probably meant.
    #[must_use]
    pub fn suggest(self, value: impl Into<String>) -> Self {
        let value = value.into();
        let plain = self.without_suggestion();
        Self {
            detail: plain.detail + &question(&value),
            suggestion: Some(value),
            ..plain
        }
    }

    /// The same error, with something else to do.
    #[must_use]
    pub(crate) fn also(self, what: &str) -> Self {
        let suggestion = self.suggestion.clone();
        let plain = self.without_suggestion();
        let more = Self {
            detail: format!("{}; {what}", plain.detail),
            ..plain
        };
        match suggestion {
            Some(value) => more.suggest(value),
            None => more,
        }
    }

    #[must_use]
    pub(crate) fn without_suggestion(self) -> Self {
        Self {
            detail: without_question(&self.detail, self.suggestion.as_deref()).to_owned(),
            suggestion: None,
            ..self
        }
    }
}

fn question(value: &str) -> String {
    format!("; did you mean {value}?")
}

fn without_question<'a>(detail: &'a str, suggestion: Option<&str>) -> &'a str {
    suggestion.and_then(|value| detail.strip_suffix(&question(value))).unwrap_or(detail)
}

/// An invalid field of a request.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FieldError {
    /// The field's name in the request, such as `bucket_arn`.
    pub field: String,
    /// A stable code for programs.
    pub code: String,
    /// What is wrong and how to fix it, for people. Ends with the suggestion, if there is one.
    pub detail: String,
    /// The value that was probably meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
}

impl FieldError {
    pub fn new(field: &str, code: &str, detail: impl Into<String>) -> Self {
        Self {
            field: field.to_owned(),
            code: code.to_owned(),
            detail: detail.into(),
            suggestion: None,
        }
    }

    pub fn of(field: &str, malformed: Malformed) -> Self {
        Self {
            suggestion: malformed.suggestion,
            ..Self::new(field, malformed.code, malformed.detail)
        }
    }

    /// Adds the value that was probably meant.
    pub(crate) fn suggest(&mut self, value: &str) {
        let reason = self.reason().to_owned();
        self.detail = reason + &question(value);
        self.suggestion = Some(value.to_owned());
    }

    /// What is wrong, without the suggestion, for pages that show it separately.
    pub(crate) fn reason(&self) -> &str {
        without_question(&self.detail, self.suggestion.as_deref())
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.detail)
    }
}

/// Implements the conversions of a type that holds validated text. All of them, including serde's, use the type's own `fn
/// parse(text: &str) -> Result<Self, Malformed>` and `as_str`.
macro_rules! checked_text {
    ($type:ty) => {
        impl std::str::FromStr for $type {
            type Err = $crate::domain::text::Malformed;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse(text)
            }
        }

        impl TryFrom<String> for $type {
            type Error = $crate::domain::text::Malformed;
            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::parse(&text)
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use checked_text;

/// Whether the text is a single line of 1 to `longest` characters. Control characters would break terminals and logs, and the
/// database refuses NUL.
pub(crate) fn is_line(text: &str, longest: usize) -> bool {
    !text.is_empty() && text.chars().count() <= longest && !text.chars().any(char::is_control)
}

/// The words of a name in the API, for display: `bucket_arn` becomes "bucket ARN".
pub(crate) fn words(name: &str) -> String {
    let words = name.split(['_', '.', '-']).map(|word| match word {
        "id" => "ID",
        "ids" => "IDs",
        "arn" => "ARN",
        "kms" => "KMS",
        "url" => "URL",
        other => other,
    });
    words.collect::<Vec<_>>().join(" ")
}

/// The text with its first letter in upper case.
pub(crate) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
