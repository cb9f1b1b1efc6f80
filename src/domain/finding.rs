//! What a check finds.

use std::time::Duration;

use super::api_result::{ApiCall, ApiResult};
use super::check::{CheckName, CheckStatus, FaultSide};
use super::fix::Fix;

/// What one check found.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    pub check: CheckName,
    pub status: CheckStatus,
    pub required: bool,
    /// Who has to act; none where nothing is to be done, or another check says it.
    pub side: Option<FaultSide>,
    /// One sentence.
    pub summary: String,
    /// What else there is to say.
    pub detail: Option<String>,
    pub exchange: Option<ApiCall>,
    pub skipped_because: Option<CheckName>,
    pub fix: Option<Fix>,
}

impl Finding {
    fn new(check: CheckName, status: CheckStatus, summary: impl Into<String>, exchange: Option<&ApiCall>) -> Self {
        Self {
            check,
            status,
            required: true,
            side: None,
            summary: summary.into(),
            detail: None,
            exchange: exchange.cloned(),
            skipped_because: None,
            fix: None,
        }
    }

    pub fn passed(check: CheckName, summary: impl Into<String>, exchange: Option<&ApiCall>) -> Self {
        Self::new(check, CheckStatus::Passed, summary, exchange)
    }

    pub fn failed(check: CheckName, summary: impl Into<String>, exchange: Option<&ApiCall>, fix: Fix) -> Self {
        Self {
            side: Some(FaultSide::Customer),
            fix: Some(fix),
            ..Self::new(check, CheckStatus::Failed, summary, exchange)
        }
    }

    pub fn inconclusive(check: CheckName, side: FaultSide, summary: impl Into<String>, exchange: Option<&ApiCall>) -> Self {
        Self {
            side: Some(side),
            ..Self::new(check, CheckStatus::Inconclusive, summary, exchange)
        }
    }

    /// The vendor's own set-up is in the way, which customers read of calmly, and ops are alerted of.
    pub fn vendors_fault(check: CheckName, exchange: Option<&ApiCall>) -> Self {
        let code = exchange.and_then(|exchange| exchange.code.as_deref()).unwrap_or("no answer");
        let summary = format!("Something is wrong on the vendor's side ({code}). Nothing is needed from you; the vendor has been told.");
        Self::inconclusive(check, FaultSide::Vendor, summary, exchange)
    }

    /// What was granted does not show it.
    pub fn unseen(check: CheckName, exchange: &ApiCall) -> Self {
        Self::new(check, CheckStatus::Skipped, "Not verifiable with what you granted.", Some(exchange))
    }

    pub fn skipped(check: CheckName, because: CheckName, summary: impl Into<String>) -> Self {
        Self {
            skipped_because: Some(because),
            ..Self::new(check, CheckStatus::Skipped, summary, None)
        }
    }

    /// Nobody's fault and no verdict: AWS gave no answer that says yes or no.
    pub fn unanswered<T>(check: CheckName, answer: &ApiResult<T>) -> Self {
        if answer.exchange.code.as_deref().is_some_and(is_of_the_vendor) {
            return Self::vendors_fault(check, Some(&answer.exchange));
        }
        let code = answer.exchange.code.as_deref().unwrap_or("no answer");
        Self::inconclusive(
            check,
            FaultSide::Aws,
            format!("AWS did not answer this question ({code}). Nothing is needed from you; it will be asked again."),
            Some(&answer.exchange),
        )
    }

    #[must_use]
    pub fn with_detail(self, detail: impl Into<String>) -> Self {
        Self {
            detail: Some(detail.into()),
            ..self
        }
    }

    #[must_use]
    pub fn with_status(self, status: CheckStatus) -> Self {
        Self { status, ..self }
    }

    pub fn duration(&self) -> Option<Duration> {
        self.exchange.as_ref().map(|exchange| exchange.duration)
    }
}

/// A clock that is wrong, or credentials of the process that AWS does not know.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>
fn is_of_the_vendor(code: &str) -> bool {
    matches!(
        code,
        "RequestTimeTooSkewed" | "SignatureDoesNotMatch" | "RequestExpired" | "IncompleteSignature" | "MissingAuthenticationToken"
    )
}
