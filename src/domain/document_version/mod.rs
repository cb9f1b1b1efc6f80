//! Versions of the documents that customers apply. Each set of documents that a process has issued has a number, which never changes.
//!
//! A number says what was *issued*. Only a full verification proves that the applied documents suffice: see [`prove_documents`].

mod changes;
mod set;

use std::fmt;

use chrono::{DateTime, NaiveDate, Utc};
use strum::IntoEnumIterator;

use super::access_level::AccessLevel;
use super::campaign::CampaignMessage;
use super::check::{CheckName, CheckStatus};
use super::finding::Finding;
use super::fix::FixDocument;
use super::retry::FailureKind;
use super::storage_config::{Mode, Storage};
pub use changes::{DocumentChange, changes};
pub use set::DocumentSet;

/// One version of the documents of all kinds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentVersion {
    pub number: i32,
    pub documents: DocumentSet,
    pub since: KindNumbers,
    pub first_seen_at: DateTime<Utc>,
}

/// What the documents grant: they differ by mode and by what the vendor may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct GrantKind {
    pub mode: Mode,
    pub level: AccessLevel,
}

impl GrantKind {
    pub fn of(storage: &Storage) -> Self {
        Self {
            mode: storage.mode(),
            level: storage.level,
        }
    }

    /// Of these modes, with each access.
    pub fn all(modes: impl IntoIterator<Item = Mode>) -> impl Iterator<Item = Self> {
        let of_mode = |mode| AccessLevel::iter().map(move |level| Self { mode, level });
        modes.into_iter().flat_map(of_mode)
    }
}

/// The mode, with the access if it is not the usual one.
impl fmt::Display for GrantKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.level {
            AccessLevel::ReadWrite => self.mode.fmt(f),
            AccessLevel::Read => write!(f, "{}, read access", self.mode),
        }
    }
}

/// For each kind, the first number in a row with the same documents: a version that changes only those of another kind requires nothing
/// of a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KindNumbers {
    pub assume_role: i32,
    pub assume_role_read: i32,
    pub direct: i32,
    pub direct_read: i32,
}

impl KindNumbers {
    fn each(number: impl Fn(GrantKind) -> i32) -> Self {
        let of = |mode, level| number(GrantKind { mode, level });
        Self {
            assume_role: of(Mode::AssumeRole, AccessLevel::ReadWrite),
            assume_role_read: of(Mode::AssumeRole, AccessLevel::Read),
            direct: of(Mode::Direct, AccessLevel::ReadWrite),
            direct_read: of(Mode::Direct, AccessLevel::Read),
        }
    }

    pub fn get(self, kind: GrantKind) -> i32 {
        match (kind.mode, kind.level) {
            (Mode::AssumeRole, AccessLevel::ReadWrite) => self.assume_role,
            (Mode::AssumeRole, AccessLevel::Read) => self.assume_role_read,
            (Mode::Direct, AccessLevel::ReadWrite) => self.direct,
            (Mode::Direct, AccessLevel::Read) => self.direct_read,
        }
    }

    /// The same number for all.
    pub fn all(number: i32) -> Self {
        Self::each(|_| number)
    }
}

impl DocumentVersion {
    /// The version after `newest`, if there is one.
    pub fn next(newest: Option<&Self>, documents: DocumentSet, now: DateTime<Utc>) -> Self {
        let number = newest.map_or(1, |newest| newest.number + 1);
        let since = |kind| match newest {
            Some(newest) if newest.documents.of_kind(kind) == documents.of_kind(kind) => newest.since.get(kind),
            _ => number,
        };
        Self {
            number,
            since: KindNumbers::each(since),
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
    pub fn is_outdated(&self, kind: GrantKind, version: &DocumentVersion) -> bool {
        self.verified.unwrap_or_default() < version.since.get(kind)
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

/// Whether the findings of a verified version show that all of the issued documents are applied, apart from what no call shows: see
/// [`DocumentSet::is_told_from`]. Every other action of the documents has a check, and the required ones passed. A check that only warns may
/// still have been denied, or want another statement.
pub fn prove_documents(findings: &[Finding]) -> bool {
    findings.iter().all(|finding| match finding.status {
        CheckStatus::Passed => true,
        // The check before it says why.
        CheckStatus::Skipped if finding.skipped_because.is_some() => true,
        // Nothing else shows that this statement was applied.
        CheckStatus::Skipped | CheckStatus::Inconclusive if finding.check == CheckName::NetworkRestricted => false,
        // It made a call that the documents allow, unless it is about one that must be denied.
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
