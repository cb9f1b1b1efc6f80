//! The statements of all documents. Issued documents and fixes use the same statements.

use serde_json::{Value, json};

use super::TemplateParams;
use crate::domain::access_level::AccessLevel;
use crate::domain::extra_action::ExtraActions;
use crate::domain::storage_config::Mode;

pub const LIST_ACTIONS: [&str; 1] = ["s3:ListBucket"];
/// The actions that the checks of the bucket's posture need.
const POSTURE_ACTIONS: [&str; 3] = [
    "s3:GetBucketPublicAccessBlock",
    "s3:GetBucketOwnershipControls",
    "s3:GetBucketLogging",
];

/// In `direct`, the vendor would own what it writes unless the bucket enforces otherwise.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html>
const OWNERSHIP_ACTIONS: [&str; 1] = ["s3:GetBucketOwnershipControls"];

/// The Sid of the trust policy's statement.
pub const ASSUME_SID: &str = "LatchkeyAssume";

/// The condition key that binds a customer's role to one tenant.
pub const EXTERNAL_ID: &str = "sts:ExternalId";

/// The session tag that binds a session of the direct role to one tenant.
pub const TAG: &str = "latchkey-external-id";

/// A permission, which corresponds to one statement of the templates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    Objects,
    List,
    Key,
    /// Reads of the bucket's settings.
    Posture,
    /// What the vendor does with the bucket for itself.
    Bucket,
}

impl Permission {
    /// Without the end that makes it a tenant's.
    pub const fn sid(self) -> &'static str {
        match self {
            Self::Objects => "LatchkeyObjects",
            Self::List => "LatchkeyList",
            Self::Key => "LatchkeyKey",
            Self::Posture => "LatchkeyPosture",
            Self::Bucket => "LatchkeyBucket",
        }
    }

    /// The statements of the bucket's policy.
    pub fn of_bucket_policy(params: &TemplateParams) -> Vec<Self> {
        let owned = params.mode == Mode::Direct && params.level == AccessLevel::ReadWrite;
        let posture = (params.posture || owned).then_some(Self::Posture);
        let bucket = Self::Bucket.is_asked_for(params).then_some(Self::Bucket);
        [Self::Objects, Self::List].into_iter().chain(posture).chain(bucket).collect()
    }

    /// The statements of the role's permissions.
    pub fn of_role(params: &TemplateParams) -> Vec<Self> {
        let posture = params.posture.then_some(Self::Posture);
        let bucket = Self::Bucket.is_asked_for(params).then_some(Self::Bucket);
        [Self::Objects, Self::List, Self::Key]
            .into_iter()
            .chain(posture)
            .chain(bucket)
            .collect()
    }

    fn is_asked_for(self, params: &TemplateParams) -> bool {
        params.extra.of_statement(self, params.level).next().is_some()
    }
}

/// A policy document with these statements.
pub fn policy(statements: &[Value]) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}

/// The actions on objects. A multipart upload needs no action of its own except to list its parts and to abort it.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html#mpuAndPermissions>
pub fn object_actions(level: AccessLevel) -> &'static [&'static str] {
    match level {
        AccessLevel::ReadWrite => &[
            "s3:GetObject",
            "s3:PutObject",
            "s3:RestoreObject",
            "s3:DeleteObject",
            "s3:AbortMultipartUpload",
            "s3:ListMultipartUploadParts",
        ],
        AccessLevel::Read => &["s3:GetObject"],
    }
}

pub fn key_actions(level: AccessLevel) -> &'static [&'static str] {
    match level {
        AccessLevel::ReadWrite => &[
            "kms:Encrypt",
            "kms:Decrypt",
            "kms:ReEncrypt*",
            "kms:GenerateDataKey*",
            "kms:DescribeKey",
        ],
        AccessLevel::Read => &["kms:Decrypt", "kms:DescribeKey"],
    }
}

/// Allows the vendor's role to assume the customer's role, but only with the external ID.
pub fn trust_statement(params: &TemplateParams) -> Value {
    json!({
        "Sid": params.sid(ASSUME_SID),
        "Effect": "Allow",
        "Principal": {"AWS": params.vendor_role},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {EXTERNAL_ID: external_ids(params)}},
    })
}

/// A statement of the customer's role.
pub fn role_statement(permission: Permission, params: &TemplateParams) -> Value {
    let mut statement = json!({
        "Sid": params.sid(permission.sid()),
        "Effect": "Allow",
        "Action": actions(permission, params),
        "Resource": resource(permission, params),
    });
    if let Some(limit) = list_limit(permission, params) {
        statement["Condition"] = json!({"StringLike": limit});
    }
    statement
}

/// A statement of the bucket's policy.
pub fn bucket_policy_statement(permission: Permission, params: &TemplateParams) -> Value {
    shared_statement(permission, &resource(permission, params), params)
}

/// The statement to add to the key's policy, where the resource `*` means this key.
pub fn key_policy_statement(params: &TemplateParams) -> Value {
    shared_statement(Permission::Key, "*", params)
}

/// The statement with which the account administers a new key. Without it, nobody could ever change the key policy.
/// <https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html>
pub fn key_administration_statement(params: &TemplateParams) -> Value {
    let account = params.key_account().map_or("<ACCOUNT_ID>", |account| account.as_str());
    json!({
        "Sid": "EnableRootAccess",
        "Effect": "Allow",
        "Principal": {"AWS": format!("arn:{}:iam::{account}:root", params.partition)},
        "Action": "kms:*",
        "Resource": "*",
    })
}

/// Default encryption of the bucket. Uses the key's full ARN, because a key ID would be looked up in the caller's account.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-encryption.html>
pub fn bucket_encryption(params: &TemplateParams) -> Value {
    json!({
        "Rules": [{
            "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": params.key_arn()},
            "BucketKeyEnabled": true,
        }],
    })
}

/// The same for a bucket that holds nothing else yet: nobody can upload objects there that only they can read, with a key of their own.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/blocking-unblocking-s3-c-encryption-gpb.html>
pub fn new_bucket_encryption(params: &TemplateParams) -> Value {
    let mut encryption = bucket_encryption(params);
    encryption["Rules"][0]["BlockedEncryptionTypes"] = json!({"EncryptionType": [BLOCKED_ENCRYPTION]});
    encryption
}

/// Server-side encryption with keys that the customer provides.
pub(super) const BLOCKED_ENCRYPTION: &str = "SSE-C";

fn shared_statement(permission: Permission, resource: &str, params: &TemplateParams) -> Value {
    let principal = match params.mode {
        Mode::Direct => params.vendor_role.to_string(),
        Mode::AssumeRole => params.role_arn(),
    };
    let mut statement = json!({
        "Sid": params.sid(permission.sid()),
        "Effect": "Allow",
        "Principal": {"AWS": principal},
        "Action": actions(permission, params),
        "Resource": resource,
    });
    if params.mode == Mode::Direct {
        let tag = format!("aws:PrincipalTag/{TAG}");
        statement["Condition"] = json!({"StringEquals": {tag: external_ids(params)}});
    }
    if let Some(limit) = list_limit(permission, params) {
        statement["Condition"]["StringLike"] = limit;
    }
    statement
}

pub(super) fn external_ids(params: &TemplateParams) -> Value {
    match params.external_ids.as_slice() {
        [one] => json!(one),
        several => json!(several),
    }
}

fn actions(permission: Permission, params: &TemplateParams) -> Vec<&'static str> {
    let posture = posture_actions(params.posture);
    actions_of(permission, params.level, posture, &params.extra)
}

/// The actions of a statement: those that Latchkey needs, then those that the vendor asks for.
pub(crate) fn actions_of(
    permission: Permission,
    level: AccessLevel,
    posture: &'static [&'static str],
    extra: &ExtraActions,
) -> Vec<&'static str> {
    let needed = match permission {
        Permission::Objects => object_actions(level),
        Permission::List => &LIST_ACTIONS,
        Permission::Key => key_actions(level),
        Permission::Posture => posture,
        Permission::Bucket => &[],
    };
    needed.iter().copied().chain(extra.of_statement(permission, level)).collect()
}

/// The reads of the bucket's settings: those of the advisory checks, or the one that a required check needs.
pub(crate) fn posture_actions(posture: bool) -> &'static [&'static str] {
    if posture { &POSTURE_ACTIONS } else { &OWNERSHIP_ACTIONS }
}

fn resource(permission: Permission, params: &TemplateParams) -> String {
    match permission {
        Permission::Objects => params.objects_arn(),
        Permission::List | Permission::Posture | Permission::Bucket => params.bucket_arn(),
        Permission::Key => params.key_arn().to_owned(),
    }
}

/// A list is an action on the bucket. Only a condition limits it to the keys with the prefix.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html#condition-key-bucket-ops-2>
fn list_limit(permission: Permission, params: &TemplateParams) -> Option<Value> {
    (permission == Permission::List && params.prefix.is_some()).then(|| json!({"s3:prefix": params.keys()}))
}
