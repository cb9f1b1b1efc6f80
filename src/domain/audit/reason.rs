//! The reason that operators give for a change.

use crate::domain::text::{Malformed, checked_text, is_line};

/// The reason that an operator gives for a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditReason(String);

impl AuditReason {
    const LONGEST: usize = 500;

    /// # Errors
    /// `required`, `reason_too_long` or `malformed_reason`.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let text = text.trim();
        if text.is_empty() {
            return Err(Malformed::new("required", "enter a reason; it is recorded in the audit log"));
        }
        if text.chars().count() > Self::LONGEST {
            return Err(Malformed::new(
                "reason_too_long",
                format!("a reason must not exceed {} characters", Self::LONGEST),
            ));
        }
        if !is_line(text, Self::LONGEST) {
            return Err(Malformed::new(
                "malformed_reason",
                "a reason must be a single line without control characters",
            ));
        }
        Ok(Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

checked_text!(AuditReason);
