//! A fix: the document, the statement and the instruction that would make a failed check pass.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

use super::api_result::{AccessDenied, DenialReason, DeniedBy, PolicyKind};
use super::message::{Message, fixes};
use super::storage_config::{Mode, StorageConfig};
use super::templates::TemplateParams;
use super::templates::statements::{self, Permission};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, IntoStaticStr, EnumIter)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum FixDocument {
    TrustPolicy,
    RolePermissions,
    BucketPolicy,
    KeyPolicy,
    BucketEncryption,
    BucketVersioning,
    /// Public access, ACLs, access logging.
    BucketSettings,
    KeySettings,
    PermissionsBoundary,
    OrganizationPolicy,
    Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, IntoStaticStr, EnumIter)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum FixAction {
    /// Add the statement, replacing one with the same Sid.
    Add,
    /// Replace the statement with the same Sid.
    Replace,
    /// Remove the statement that denies access.
    Remove,
    /// Change a setting, or a field of the form.
    Set,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fix {
    pub document: FixDocument,
    pub action: FixAction,
    /// What to do, in one sentence.
    pub summary: Message,
    /// The exact statement or setting for this tenant, or a list of statements. None if AWS does not reveal what denies
    /// access.
    pub statement: Option<Value>,
}

impl Fix {
    pub fn new(document: FixDocument, action: FixAction, summary: Message, statement: Option<Value>) -> Self {
        Self {
            document,
            action,
            summary,
            statement,
        }
    }

    pub fn form(summary: Message) -> Self {
        Self::new(FixDocument::Form, FixAction::Set, summary, None)
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

/// The fix for a denied action. It follows from AWS's reason if there is one, otherwise from the mode.
pub fn of_refusal(refusal: &AccessDenied, action: &str, permission: Permission, params: &TemplateParams) -> Fix {
    of_refusals(refusal, action, &[permission], params)
}

/// The same for several actions that were denied for the same reason. Their statements become a list.
pub fn of_refusals(refusal: &AccessDenied, action: &str, permissions: &[Permission], params: &TemplateParams) -> Fix {
    let of_key = permissions == [Permission::Key];
    if let DenialReason::DeniedBy(kind) = refusal.reason {
        return of_denial(kind, action, of_key);
    }
    match refusal.reason {
        DenialReason::NotAllowedBy(PolicyKind::PermissionsBoundary) => {
            return Fix::new(
                FixDocument::PermissionsBoundary,
                FixAction::Add,
                fixes::allow_in_boundary(action),
                None,
            );
        }
        DenialReason::NotAllowedBy(
            kind @ (PolicyKind::ServiceControl | PolicyKind::ResourceControl | PolicyKind::VpcEndpoint | PolicyKind::Session),
        ) => {
            return Fix::new(
                FixDocument::OrganizationPolicy,
                FixAction::Add,
                fixes::allow_in_policy(action, kind.phrase()),
                None,
            );
        }
        _ => {}
    }
    let by_resource = refusal.reason == DenialReason::NotAllowedBy(PolicyKind::Resource);
    let document = match params.mode {
        Mode::AssumeRole if !by_resource => FixDocument::RolePermissions,
        _ if of_key => FixDocument::KeyPolicy,
        _ => FixDocument::BucketPolicy,
    };
    let (statement, name): (fn(Permission, &TemplateParams) -> Value, &str) = match document {
        FixDocument::RolePermissions => (statements::role_statement, "the permissions of [your] role"),
        FixDocument::KeyPolicy => (|_, params| statements::key_policy_statement(params), "the key policy"),
        _ => (statements::bucket_policy_statement, "the bucket policy"),
    };
    let mut wanted: Vec<Value> = permissions.iter().map(|permission| statement(*permission, params)).collect();
    let sids: Vec<&str> = wanted.iter().filter_map(|statement| statement["Sid"].as_str()).collect();
    let summary = match sids.as_slice() {
        [sid] => fixes::add_statement(action, name, sid),
        sids => fixes::add_statements(action, name, sids.join(" and ")),
    };
    let statement = if wanted.len() == 1 {
        wanted.remove(0)
    } else {
        Value::Array(wanted)
    };
    Fix::new(document, FixAction::Add, summary, Some(statement))
}

fn of_denial(kind: PolicyKind, action: &str, of_key: bool) -> Fix {
    let document = match kind {
        PolicyKind::Identity | PolicyKind::Session => FixDocument::RolePermissions,
        PolicyKind::Resource if of_key => FixDocument::KeyPolicy,
        PolicyKind::Resource => FixDocument::BucketPolicy,
        PolicyKind::PermissionsBoundary => FixDocument::PermissionsBoundary,
        PolicyKind::ServiceControl | PolicyKind::ResourceControl | PolicyKind::VpcEndpoint => FixDocument::OrganizationPolicy,
    };
    Fix::new(document, FixAction::Remove, fixes::remove_deny(action, kind.phrase()), None)
}

/// In `direct`, AWS gives no reasons for S3 denials. The service that denied a put determines which document needs a fix.
pub fn permission_of(refusal: &AccessDenied, otherwise: Permission) -> Permission {
    match refusal.by {
        DeniedBy::Kms => Permission::Key,
        DeniedBy::S3 | DeniedBy::Sts | DeniedBy::Iam => otherwise,
    }
}
