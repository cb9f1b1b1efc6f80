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
        Err(Malformed::new(
            "malformed_account_id",
            "an AWS account ID consists of 12 digits without hyphens, such as 123456789012",
        ))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}
checked_text!(AccountId);
