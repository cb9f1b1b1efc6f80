//! Labels of documents and checks.

use serde_json::Value;

pub(crate) use crate::domain::catalogue::CheckGroup;
use crate::domain::check::CheckName;
use crate::domain::fix::FixDocument;
use crate::domain::storage_config::{Mode, StorageConfig};

/// A mode, as customers choose it.
pub(crate) fn mode_title(mode: Mode) -> &'static str {
    match mode {
        Mode::AssumeRole => "A role in your account",
        Mode::Direct => "Our role, named in your policies",
    }
}

/// A document's title, and where it is in the AWS console.
pub(crate) fn place(document: FixDocument, config: &StorageConfig) -> (&'static str, String) {
    let storage = &config.storage;
    let bucket = storage.bucket.name();
    let role = storage
        .access
        .client_role()
        .map_or_else(String::new, |role| role.name().to_string());
    let key = storage.key.as_str();
    match document {
        FixDocument::TrustPolicy => ("Role trust policy", format!("IAM › Roles › {role} › Trust relationships")),
        FixDocument::RolePermissions => ("Role permissions", format!("IAM › Roles › {role} › Permissions")),
        FixDocument::BucketPolicy => ("Bucket policy", format!("S3 › {bucket} › Permissions › Bucket policy")),
        FixDocument::KeyPolicy => ("Key policy", format!("KMS › {key} › Key policy")),
        FixDocument::BucketEncryption => (
            "Bucket default encryption",
            format!("S3 › {bucket} › Properties › Default encryption"),
        ),
        FixDocument::BucketVersioning => ("Bucket versioning", format!("S3 › {bucket} › Properties › Bucket versioning")),
        FixDocument::BucketSettings => ("Bucket settings", format!("S3 › {bucket} › Permissions, Properties")),
        FixDocument::KeySettings => ("Key settings", format!("KMS › {key}")),
        FixDocument::PermissionsBoundary => ("Role permissions boundary", format!("IAM › Roles › {role} › Permissions boundary")),
        FixDocument::OrganizationPolicy => ("AWS Organizations policy", "AWS Organizations › Policies".into()),
        FixDocument::Form => ("Submitted values", "The form, step 2".into()),
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
