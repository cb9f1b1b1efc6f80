//! Reports of services that AWS denied access to a tenant's storage.

use crate::domain::text::FieldError;

/// A call that AWS denied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DenialReport {
    /// Such as `s3:GetObject`.
    pub operation: String,
    /// Such as `AccessDenied`.
    pub code: String,
    pub request_id: Option<String>,
}

/// Longer than any name or ID of AWS.
const LONGEST: usize = 128;

impl DenialReport {
    /// # Errors
    /// All faults.
    pub fn parse(operation: Option<&str>, code: Option<&str>, request_id: Option<&str>) -> Result<Self, Vec<FieldError>> {
        let mut faults = Vec::new();
        let mut text = |field: &str, text: Option<&str>, example: &str, allowed: fn(char) -> bool| {
            let text = text.unwrap_or_default().trim();
            if text.is_empty() {
                faults.push(FieldError::new(field, "required", format!("enter AWS's value, such as {example}")));
            } else if text.len() > LONGEST || !text.chars().all(allowed) {
                faults.push(FieldError::new(
                    field,
                    &format!("malformed_{field}"),
                    format!("expected AWS's value, such as {example}"),
                ));
            }
            text.to_owned()
        };
        let name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '-' | '_');
        let report = Self {
            operation: text("operation", operation, "s3:GetObject", name),
            code: text("code", code, "AccessDenied", name),
            request_id: request_id.map(|id| {
                text("request_id", Some(id), "79104EXAMPLEB723", |c| {
                    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '=' | '+' | '/')
                })
            }),
        };
        if faults.is_empty() { Ok(report) } else { Err(faults) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_faults_are_reported() {
        let fields = |report: Result<DenialReport, Vec<FieldError>>| {
            let faults = report.expect_err("faults");
            faults.into_iter().map(|fault| fault.field).collect::<Vec<_>>()
        };
        assert_eq!(
            fields(DenialReport::parse(None, Some("<b>"), Some(""))),
            ["operation", "code", "request_id"]
        );
        assert!(DenialReport::parse(Some("kms:Decrypt"), Some("AccessDeniedException"), None).is_ok());
    }
}
