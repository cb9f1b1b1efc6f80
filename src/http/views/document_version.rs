//! API representation of the versions of the documents.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::access_level::AccessLevel;
use crate::domain::document_version::{DocumentChange, GrantKind};
use crate::domain::storage_config::Mode;
use crate::service::document_versions::{ListedVersion, VersionList};

/// The versions of the documents that customers apply.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DocumentVersions)]
pub(crate) struct DocumentVersionsView {
    /// The version that is issued now.
    current: i32,
    /// How many tenants have an active version that was not verified against the current documents of its mode and access.
    outdated_tenants: i64,
    /// How many tenants have an active version that was verified against no recorded version.
    unverified_tenants: i64,
    /// The newest 100 versions, newest first.
    items: Vec<DocumentVersionView>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DocumentVersion)]
pub(crate) struct DocumentVersionView {
    version: i32,
    is_current: bool,
    /// When a process first issued it.
    first_seen_at: DateTime<Utc>,
    /// How many tenants have an active version that was verified against this version and no higher one.
    verified_tenants: i64,
    /// What differs from the version before.
    changes: Vec<DocumentChangeView>,
}

/// One difference between two versions of the documents.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DocumentChange)]
pub(crate) struct DocumentChangeView {
    mode: Mode,
    access: AccessLevel,
    #[schema(example = "bucket-policy")]
    document: String,
    /// The `Sid` of the statement. Null for what is not a statement.
    statement: Option<String>,
    #[schema(example = "adds s3:GetBucketLogging to the bucket policy")]
    summary: String,
}

impl From<VersionList> for DocumentVersionsView {
    fn from(list: VersionList) -> Self {
        Self {
            current: list.current,
            outdated_tenants: list.outdated,
            unverified_tenants: list.unverified,
            items: list.versions.into_iter().map(DocumentVersionView::from).collect(),
        }
    }
}

impl From<ListedVersion> for DocumentVersionView {
    fn from(listed: ListedVersion) -> Self {
        let changes = listed.changes.into_iter();
        Self {
            version: listed.version.number,
            is_current: listed.is_current,
            first_seen_at: listed.version.first_seen_at,
            verified_tenants: listed.tenants,
            changes: changes
                .flat_map(|(kind, changes)| changes.into_iter().map(move |change| DocumentChangeView::new(kind, change)))
                .collect(),
        }
    }
}

impl DocumentChangeView {
    fn new(kind: GrantKind, change: DocumentChange) -> Self {
        Self {
            mode: kind.mode,
            access: kind.level,
            document: change.document,
            statement: change.statement,
            summary: change.summary,
        }
    }
}
