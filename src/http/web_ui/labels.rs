//! Labels of documents and checks.

use serde_json::Value;

pub(crate) use crate::domain::catalogue::CheckGroup;
use crate::domain::check::CheckName;
pub(crate) use crate::domain::fix::place;
use crate::domain::storage_config::Mode;

/// A mode, as customers choose it.
pub(crate) fn mode_title(mode: Mode) -> &'static str {
    match mode {
        Mode::AssumeRole => "A role in your account",
        Mode::Direct => "Our role, named in your policies",
    }
}

impl CheckGroup {
    pub const ALL: [Self; 5] = [Self::Vendor, Self::Role, Self::Key, Self::Bucket, Self::Objects];

    pub fn of(check: CheckName) -> Self {
        check.entry().group
    }

    pub fn id(self) -> &'static str {
        match self {
            Self::Vendor => "vendor",
            Self::Role => "role",
            Self::Key => "key",
            Self::Bucket => "bucket",
            Self::Objects => "objects",
        }
    }

    /// The title for customers.
    pub fn title(self) -> &'static str {
        match self {
            Self::Vendor => "Our side",
            Self::Role => "Your role: trust policy",
            Self::Key => "Your key: key policy",
            Self::Bucket => "Your bucket: bucket policy",
            Self::Objects => "Documents in the bucket",
        }
    }

    /// The title for operations.
    pub fn ops_title(self) -> &'static str {
        match self {
            Self::Vendor => "Our side",
            Self::Role => "The customer’s role: trust policy",
            Self::Key => "The customer’s key: key policy",
            Self::Bucket => "The customer’s bucket: bucket policy",
            Self::Objects => "Documents in the bucket",
        }
    }
}

/// A document, formatted for pasting.
pub(crate) fn pretty(body: &Value) -> String {
    format!("{body:#}")
}
