//! The result of a check.

use std::time::Duration;

use super::api_result::{ApiCall, ApiResult, Outcome};
use super::check::{CheckName, CheckStatus, FaultSide};
use super::fix::Fix;
use super::message::{Message, findings};

/// The result of one check.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    pub check: CheckName,
    pub status: CheckStatus,
    pub required: bool,
    /// Who has to act. None if no action is needed, or if another finding covers it.
    pub side: Option<FaultSide>,
    /// One sentence.
    pub summary: Message,
    pub detail: Option<Message>,
    pub exchange: Option<ApiCall>,
    pub skipped_because: Option<CheckName>,
    pub fix: Option<Fix>,
    /// Whether a failure means that isolation or ownership is lost. By default what the catalogue says of the check.
    pub breach: bool,
}

/// The finding that blocks a tenant: the first of its newest verification that failed or has no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StuckReason {
    pub check: CheckName,
    pub status: CheckStatus,
    /// Who has to act.
    pub side: Option<FaultSide>,
    /// One sentence.
    pub summary: Message,
}

impl Finding {
    fn new(check: CheckName, status: CheckStatus, summary: Message, exchange: Option<&ApiCall>) -> Self {
        Self {
            check,
            status,
            required: true,
            side: None,
            summary,
            detail: None,
            exchange: exchange.cloned(),
            skipped_because: None,
            fix: None,
            breach: check.entry().breach,
        }
    }

    /// Whether it shows that the version has lost its isolation or its ownership.
    pub fn is_breach(&self) -> bool {
        self.status == CheckStatus::Failed && self.side == Some(FaultSide::Customer) && self.breach
    }

    pub fn passed(check: CheckName, summary: Message, exchange: Option<&ApiCall>) -> Self {
        Self::new(check, CheckStatus::Passed, summary, exchange)
    }

    pub fn failed(check: CheckName, summary: Message, exchange: Option<&ApiCall>, fix: Fix) -> Self {
        Self {
            side: Some(FaultSide::Customer),
            fix: Some(fix),
            ..Self::new(check, CheckStatus::Failed, summary, exchange)
        }
    }

    pub fn inconclusive(check: CheckName, side: FaultSide, summary: Message, exchange: Option<&ApiCall>) -> Self {
        Self {
            side: Some(side),
            ..Self::new(check, CheckStatus::Inconclusive, summary, exchange)
        }
    }

    /// The cause is the vendor's own configuration. The customer does not need to act, and the vendor's operations team is
    /// alerted.
    pub fn vendor_side(check: CheckName, exchange: Option<&ApiCall>) -> Self {
        let code = exchange.and_then(|exchange| exchange.code.as_deref()).unwrap_or("no response");
        Self::inconclusive(check, FaultSide::Vendor, findings::vendor_side(code), exchange)
    }

    /// The granted permissions do not allow this check.
    pub fn not_permitted(check: CheckName, exchange: &ApiCall) -> Self {
        Self::not_testable(check, findings::not_permitted(), exchange)
    }

    /// The vendor's own setup does not allow this check.
    pub fn not_testable(check: CheckName, summary: Message, exchange: &ApiCall) -> Self {
        Self::new(check, CheckStatus::Skipped, summary, Some(exchange))
    }

    pub fn skipped(check: CheckName, prerequisite: CheckName, summary: Message) -> Self {
        Self {
            skipped_because: Some(prerequisite),
            ..Self::new(check, CheckStatus::Skipped, summary, None)
        }
    }

    /// AWS gave no conclusive answer.
    pub fn unanswered<T>(check: CheckName, answer: &ApiResult<T>) -> Self {
        if answer.exchange.code.as_deref().is_some_and(is_vendor_side) {
            return Self::vendor_side(check, Some(&answer.exchange));
        }
        let code = answer.exchange.code.as_deref().unwrap_or("no response");
        let summary = match answer.outcome {
            Outcome::Unusable => findings::request_rejected(code),
            _ => findings::aws_did_not_answer(code),
        };
        Self::inconclusive(check, FaultSide::Aws, summary, Some(&answer.exchange))
    }

    #[must_use]
    pub fn with_detail(self, detail: Message) -> Self {
        Self {
            detail: Some(detail),
            ..self
        }
    }

    #[must_use]
    pub fn with_breach(self, breach: bool) -> Self {
        Self { breach, ..self }
    }

    #[must_use]
    pub fn with_status(self, status: CheckStatus) -> Self {
        Self { status, ..self }
    }

    pub fn duration(&self) -> Option<Duration> {
        self.exchange.as_ref().map(|exchange| exchange.duration)
    }
}

/// A wrong clock, process credentials that AWS does not accept, or a request that the vendor's settings make invalid, such as
/// `AWS_REQUEST_CHECKSUM_CALCULATION`.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>
fn is_vendor_side(code: &str) -> bool {
    matches!(
        code,
        "RequestTimeTooSkewed"
            | "SignatureDoesNotMatch"
            | "RequestExpired"
            | "IncompleteSignature"
            | "MissingAuthenticationToken"
            | "InvalidRequest"
    )
}
