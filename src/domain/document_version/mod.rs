//! Versions of the documents that customers apply. Each set of documents that a process has issued has a number, which never changes.
//!
//! A number says what was *issued*. Only a full verification proves that the applied documents suffice: see [`prove_documents`].

mod changes;
mod set;

use chrono::{DateTime, NaiveDate, Utc};

use super::campaign::CampaignMessage;
use super::check::{CheckName, CheckStatus};
use super::finding::Finding;
use super::fix::FixDocument;
use super::retry::FailureKind;
use super::storage_config::Mode;
pub use changes::{DocumentChange, changes};
pub use set::DocumentSet;

/// One version of the documents of all modes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentVersion {
    pub number: i32,
    pub documents: DocumentSet,
    pub since: ModeNumbers,
    pub first_seen_at: DateTime<Utc>,
}

/// For each mode, the first number in a row with the same documents: a version that changes only the documents of the other mode
/// requires nothing of a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModeNumbers {
    pub assume_role: i32,
    pub direct: i32,
}

impl ModeNumbers {
    pub fn get(self, mode: Mode) -> i32 {
        match mode {
            Mode::AssumeRole => self.assume_role,
            Mode::Direct => self.direct,
        }
    }

    /// The same number for both modes.
    pub fn both(number: i32) -> Self {
        Self {
            assume_role: number,
            direct: number,
        }
    }
}

impl DocumentVersion {
    /// The version after `newest`, if there is one.
    pub fn next(newest: Option<&Self>, documents: DocumentSet, now: DateTime<Utc>) -> Self {
        let number = newest.map_or(1, |newest| newest.number + 1);
        let since = |mode| match newest {
            Some(newest) if newest.documents.of_mode(mode) == documents.of_mode(mode) => newest.since.get(mode),
            _ => number,
        };
        Self {
            number,
            since: ModeNumbers {
                assume_role: since(Mode::AssumeRole),
                direct: since(Mode::Direct),
            },
            documents,
            first_seen_at: now,
        }
    }
}

/// What is known of the documents of one storage config.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ConfigDocuments {
    /// The version that was issued when it was submitted. None if that was before versions were recorded.
    pub issued: Option<i32>,
    /// The highest version that it was verified against.
    pub verified: Option<i32>,
    pub verified_at: Option<DateTime<Utc>>,
}

impl ConfigDocuments {
    /// Whether no verification has shown yet that its documents suffice for this version.
    pub fn is_outdated(&self, mode: Mode, version: &DocumentVersion) -> bool {
        self.verified.unwrap_or_default() < version.since.get(mode)
    }

    /// The version that the customer most likely applied, to tell what has changed since.
    pub fn base(&self, version: &DocumentVersion) -> Option<i32> {
        [self.issued, self.verified]
            .into_iter()
            .flatten()
            .filter(|number| *number < version.number)
            .max()
    }
}

/// What a customer has to update: the documents are newer than those that the storage in use was verified against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentUpdate {
    pub version: i32,
    /// The version that `changes` are relative to. None if none is known.
    pub from: Option<i32>,
    pub changes: Vec<DocumentChange>,
}

/// The same, with what operators tell the customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestedUpdate {
    pub update: DocumentUpdate,
    /// Of the newest open campaign for the tenant.
    pub message: Option<CampaignMessage>,
    pub deadline: Option<NaiveDate>,
}

/// How many tenants are on a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VersionCount {
    /// The highest version that they were verified against. None if none.
    pub verified: Option<i32>,
    pub tenants: i64,
}

/// Whether the findings of a verified version show that all of the issued documents are applied. Every action of the documents has a
/// check, and the required ones passed. A check that only warns may still have been denied, or want another statement.
pub fn prove_documents(findings: &[Finding]) -> bool {
    findings.iter().all(|finding| match finding.status {
        CheckStatus::Passed => true,
        // The check before it says why.
        CheckStatus::Skipped if finding.skipped_because.is_some() => true,
        // It made a call that the documents allow, unless it is about one that must be denied.
        // Nothing else shows that this statement was applied.
        CheckStatus::Skipped | CheckStatus::Inconclusive if finding.check == CheckName::NetworkRestricted => false,
        CheckStatus::Skipped | CheckStatus::Inconclusive => finding.check.entry().failure == FailureKind::AccessOpen,
        CheckStatus::Failed | CheckStatus::Warning => finding.fix.as_ref().is_some_and(|fix| is_setting(fix.document)),
    })
}

/// Whether it grants nothing.
fn is_setting(document: FixDocument) -> bool {
    matches!(
        document,
        FixDocument::BucketVersioning | FixDocument::BucketSettings | FixDocument::KeySettings | FixDocument::Form
    )
}

#[cfg(test)]
mod tests;
