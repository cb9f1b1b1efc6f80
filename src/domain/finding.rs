//! What a check finds.

use std::time::Duration;

use super::answer::{Answer, Exchange};
use super::check::{CheckName, Status};
use super::fix::Fix;

/// What one check found.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    pub check: CheckName,
    pub status: Status,
    pub required: bool,
    /// One sentence.
    pub summary: String,
    /// What else there is to say.
    pub detail: Option<String>,
    pub exchange: Option<Exchange>,
    pub skipped_because: Option<CheckName>,
    pub fix: Option<Fix>,
}

impl Finding {
    fn new(check: CheckName, status: Status, summary: impl Into<String>, exchange: Option<&Exchange>) -> Self {
        Self {
            check,
            status,
            required: true,
            summary: summary.into(),
            detail: None,
            exchange: exchange.cloned(),
            skipped_because: None,
            fix: None,
        }
    }

    pub fn passed(check: CheckName, summary: impl Into<String>, exchange: Option<&Exchange>) -> Self {
        Self::new(check, Status::Passed, summary, exchange)
    }

    pub fn failed(check: CheckName, summary: impl Into<String>, exchange: Option<&Exchange>, fix: Fix) -> Self {
        Self {
            fix: Some(fix),
            ..Self::new(check, Status::Failed, summary, exchange)
        }
    }

    pub fn inconclusive(check: CheckName, summary: impl Into<String>, exchange: Option<&Exchange>) -> Self {
        Self::new(check, Status::Inconclusive, summary, exchange)
    }

    pub fn skipped(check: CheckName, because: CheckName, summary: impl Into<String>) -> Self {
        Self {
            skipped_because: Some(because),
            ..Self::new(check, Status::Skipped, summary, None)
        }
    }

    /// Nobody's fault and no verdict: AWS gave no answer that says yes or no.
    pub fn unanswered<T>(check: CheckName, answer: &Answer<T>) -> Self {
        let code = answer.exchange.code.as_deref().unwrap_or("no answer");
        Self::inconclusive(
            check,
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
    pub fn with_status(self, status: Status) -> Self {
        Self { status, ..self }
    }

    pub fn duration(&self) -> Option<Duration> {
        self.exchange.as_ref().map(|exchange| exchange.duration)
    }
}
