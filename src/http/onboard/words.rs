//! What the pages call modes, documents and checks.

use serde_json::Value;

pub use crate::domain::catalogue::Group;
use crate::domain::check::{CheckName, Status};
use crate::domain::fix::FixDocument;
use crate::domain::storage_config::{Mode, StorageConfig};
use crate::domain::templates::format::Format;

/// A mode as one chooses it.
pub struct ModeWords {
    pub name: &'static str,
    pub title: &'static str,
    /// What to know of it, each with what it is about.
    pub rows: [(&'static str, &'static str); 4],
}

pub fn mode(mode: Mode) -> ModeWords {
    match mode {
        Mode::AssumeRole => ModeWords {
            name: "assume_role",
            title: "A role in your account",
            rows: [
                ("Who touches your bucket", "A role that you create and can switch off at any time."),
                ("What you edit", "One new role, the key policy and the bucket policy."),
                (
                    "What keeps others out",
                    "The role asks for your external ID each time it is assumed.",
                ),
                ("What you send back", "The ARNs of bucket, key and role, and the region."),
            ],
        },
        Mode::Direct => ModeWords {
            name: "direct",
            title: "Our role, named in your policies",
            rows: [
                ("Who touches your bucket", "Our own role, which your policies name."),
                ("What you edit", "The key policy and the bucket policy. No role."),
                (
                    "What keeps others out",
                    "Both policies ask for a session tag with your external ID.",
                ),
                ("What you send back", "The ARNs of bucket and key, and the region."),
            ],
        },
    }
}

/// A format as one chooses it.
pub struct FormatWords {
    pub name: &'static str,
    pub title: &'static str,
    pub steps: &'static [&'static str],
}

pub fn format(format: Format) -> FormatWords {
    match format {
        Format::Json => FormatWords {
            name: "AWS console",
            title: "One document at a time",
            steps: &[],
        },
        Format::Cloudformation => FormatWords {
            name: "CloudFormation",
            title: "One CloudFormation template",
            steps: &[
                "Download it. In the CloudFormation console, in the region of the key, choose Create stack, With new resources, Upload a template file.",
                "Its parameters are filled in with what you typed above. They also say what to create and what is there already.",
                "The stack's outputs are the fields of the next page.",
            ],
        },
        Format::Terraform => FormatWords {
            name: "Terraform",
            title: "One Terraform configuration",
            steps: &[
                "Save it in a folder of its own, and run terraform init and terraform apply with credentials of your account.",
                "Its variables are filled in with what you typed above. They also say what to create and what is there already.",
                "Its outputs are the fields of the next page, and the statements to merge where a policy is there already.",
            ],
        },
        Format::Cli => FormatWords {
            name: "AWS CLI",
            title: "One shell script",
            steps: &[
                "Save it, read it, and run it by sh with credentials of your account. AWS CloudShell will do.",
                "It shows what it will do before it does anything, overwrites no policy that is there, and can be run twice.",
                "It ends with the fields of the next page.",
            ],
        },
    }
}

/// Where a document is, in the words of the AWS console.
pub fn place(document: FixDocument, config: &StorageConfig) -> (&'static str, String) {
    let storage = &config.storage;
    let bucket = storage.bucket.name();
    let role = storage
        .access
        .client_role()
        .map_or_else(String::new, |role| role.name().to_string());
    let key = storage.key.as_str();
    match document {
        FixDocument::TrustPolicy => ("Trust policy of your role", format!("IAM › Roles › {role} › Trust relationships")),
        FixDocument::RolePermissions => ("Permissions of your role", format!("IAM › Roles › {role} › Permissions")),
        FixDocument::BucketPolicy => ("Bucket policy", format!("S3 › {bucket} › Permissions › Bucket policy")),
        FixDocument::KeyPolicy => ("Key policy", format!("KMS › {key} › Key policy")),
        FixDocument::BucketEncryption => (
            "Default encryption of the bucket",
            format!("S3 › {bucket} › Properties › Default encryption"),
        ),
        FixDocument::BucketVersioning => ("Bucket versioning", format!("S3 › {bucket} › Properties › Bucket versioning")),
        FixDocument::BucketSettings => ("Settings of the bucket", format!("S3 › {bucket} › Permissions, Properties")),
        FixDocument::KeySettings => ("Settings of the key", format!("KMS › {key}")),
        FixDocument::PermissionsBoundary => (
            "Permissions boundary of your role",
            format!("IAM › Roles › {role} › Permissions boundary"),
        ),
        FixDocument::OrganizationPolicy => ("A policy of your organization", "AWS Organizations › Policies".into()),
        FixDocument::Form => ("What you sent", "The form, step 2".into()),
    }
}

impl Group {
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

    pub fn title(self) -> &'static str {
        match self {
            Self::Vendor => "Our side",
            Self::Role => "Your role: trust policy",
            Self::Key => "Your key: key policy",
            Self::Bucket => "Your bucket: bucket policy",
            Self::Objects => "Documents in the bucket",
        }
    }
}

/// How a check stands, as a class for the stylesheet, a mark, and a word.
pub fn status(status: Status) -> (&'static str, &'static str, &'static str) {
    match status {
        Status::Passed => ("passed", "✓", "Passed"),
        Status::Failed => ("failed", "✕", "Failed"),
        Status::Warning => ("warning", "!", "Warning"),
        Status::Skipped => ("skipped", "–", "Not looked at"),
        Status::Inconclusive => ("inconclusive", "?", "No answer"),
    }
}

/// A document as it is pasted.
pub fn pretty(body: &Value) -> String {
    format!("{body:#}")
}
