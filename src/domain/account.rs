//! AWS account IDs.

use super::text::{Malformed, checked_text};

/// Twelve digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AccountId(String);

impl AccountId {
    /// # Errors
    /// `malformed_account_id`.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        if text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit()) {
            return Ok(Self(text.to_owned()));
        }
        let detail = "an AWS account ID consists of 12 digits without hyphens, such as 123456789012";
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        let is_number = text.chars().all(|c| c.is_ascii_digit() || matches!(c, '-' | ' '));
        let detail = match digits.len() {
            _ if !is_number => detail.to_owned(),
            // The console shows IDs with hyphens.
            12 => format!("{detail}; did you mean {digits}?"),
            11 => format!("{detail}; this one has 11, and a leading zero was probably lost: did you mean 0{digits}?"),
            1..=10 => {
                format!(
                    "{detail}; this one has {}, probably because a program read it as a number, as YAML reads a leading zero: copy the ID from the AWS console",
                    digits.len()
                )
            }
            _ => detail.to_owned(),
        };
        Err(Malformed::new("malformed_account_id", detail))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}
checked_text!(AccountId);
