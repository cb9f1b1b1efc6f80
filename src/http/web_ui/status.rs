//! The states that pages show, each with a CSS class (its name), a mark and a word.

use strum::Display;

use crate::domain::check::CheckStatus;

/// The state of a check, or of a group of checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Display)]
#[strum(serialize_all = "snake_case")]
pub(crate) enum CheckState {
    Waiting,
    Passed,
    Failed,
    /// It failed, and will be tried again in this verification.
    NotYet,
    Warning,
    Skipped,
    Inconclusive,
}

impl CheckState {
    pub(crate) fn mark(self) -> &'static str {
        match self {
            Self::Waiting => "·",
            Self::Passed => "✓",
            Self::Failed => "✕",
            Self::NotYet => "…",
            Self::Warning => "!",
            Self::Skipped => "–",
            Self::Inconclusive => "?",
        }
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Waiting => "Waiting",
            Self::Passed => "Passed",
            Self::Failed => "Failed",
            Self::NotYet => "Not passed yet",
            Self::Warning => "Warning",
            Self::Skipped => "Not checked",
            Self::Inconclusive => "Inconclusive",
        }
    }

    pub(crate) fn is_skipped(self) -> bool {
        self == Self::Skipped
    }
}

impl From<CheckStatus> for CheckState {
    fn from(status: CheckStatus) -> Self {
        match status {
            CheckStatus::Passed => Self::Passed,
            CheckStatus::Failed => Self::Failed,
            CheckStatus::Warning => Self::Warning,
            CheckStatus::Skipped => Self::Skipped,
            CheckStatus::Inconclusive => Self::Inconclusive,
        }
    }
}

/// The state of a whole verification, as its banner shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Display)]
#[strum(serialize_all = "snake_case")]
pub(crate) enum BannerState {
    Running,
    Passed,
    Failed,
    Inconclusive,
    /// There is no result to show.
    Neutral,
}

impl BannerState {
    pub(crate) fn mark(self) -> &'static str {
        match self {
            Self::Running => "…",
            Self::Passed => "✓",
            Self::Failed => "✕",
            Self::Inconclusive => "?",
            Self::Neutral => "–",
        }
    }

    pub(crate) fn is_failed(self) -> bool {
        self == Self::Failed
    }
}

/// The color of a status pill. Its name is the tenant status that has this color in the style sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Display)]
pub(crate) enum PillColor {
    #[strum(serialize = "active")]
    Green,
    #[strum(serialize = "action_required")]
    Red,
    #[strum(serialize = "suspended")]
    Amber,
    #[strum(serialize = "verifying")]
    Blue,
    #[strum(serialize = "offboarded")]
    Grey,
}

/// A status in one word, on its color.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pill {
    pub color: PillColor,
    pub word: String,
}

impl Pill {
    pub(crate) fn new(color: PillColor, word: impl Into<String>) -> Self {
        Self { color, word: word.into() }
    }
}
