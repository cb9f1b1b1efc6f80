//! A fix: the document, the statement and the instruction that would make a failed check pass.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use strum::{Display, EnumString, IntoStaticStr};
use utoipa::ToSchema;

use super::api_result::{AccessDenied, DenialReason, DeniedBy, PolicyKind};
use super::message::Message;
use super::storage_config::Mode;
use super::templates::TemplateParams;
use super::templates::statements::{self, Permission};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, IntoStaticStr, ToSchema)]
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

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, IntoStaticStr, ToSchema)]
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
    /// The exact statement or setting for this tenant, or a list of statements. None when AWS does not reveal what denies access.
    pub statement: Option<Value>,
}

impl Fix {
    pub fn new(document: FixDocument, action: FixAction, summary: impl Into<Message>, statement: Option<Value>) -> Self {
        Self {
            document,
            action,
            summary: summary.into(),
            statement,
        }
    }

    pub fn form(summary: impl Into<Message>) -> Self {
        Self::new(FixDocument::Form, FixAction::Set, summary, None)
    }
}

/// The fix for a denied action: from AWS's reason if it gives one, or else from the mode.
pub fn of_refusal(refusal: &AccessDenied, action: &str, permission: Permission, blanks: &TemplateParams) -> Fix {
    of_refusals(refusal, action, &[permission], blanks)
}

/// The same for several actions that are denied for one reason. Their statements become a list.
pub fn of_refusals(refusal: &AccessDenied, action: &str, permissions: &[Permission], blanks: &TemplateParams) -> Fix {
    let of_key = permissions == [Permission::Key];
    if let DenialReason::DeniedBy(kind) = refusal.reason {
        return of_denial(kind, action, of_key);
    }
    match refusal.reason {
        DenialReason::NotAllowedBy(PolicyKind::PermissionsBoundary) => {
            return Fix::new(
                FixDocument::PermissionsBoundary,
                FixAction::Add,
                format!("Allow {action} in the role's permissions boundary, which limits what its permissions grant."),
                None,
            );
        }
        DenialReason::NotAllowedBy(
            kind @ (PolicyKind::ServiceControl | PolicyKind::ResourceControl | PolicyKind::VpcEndpoint | PolicyKind::Session),
        ) => {
            return Fix::new(
                FixDocument::OrganizationPolicy,
                FixAction::Add,
                format!(
                    "Allow {action} in {}. It overrides the policies of the role, the bucket and the key.",
                    kind.phrase()
                ),
                None,
            );
        }
        _ => {}
    }
    let by_resource = refusal.reason == DenialReason::NotAllowedBy(PolicyKind::Resource);
    let document = match blanks.mode {
        Mode::AssumeRole if !by_resource => FixDocument::RolePermissions,
        _ if of_key => FixDocument::KeyPolicy,
        _ => FixDocument::BucketPolicy,
    };
    let (statement, name): (fn(Permission, &TemplateParams) -> Value, &str) = match document {
        FixDocument::RolePermissions => (statements::role_statement, "the permissions of [your] role"),
        FixDocument::KeyPolicy => (|_, blanks| statements::key_policy_statement(blanks), "the key policy"),
        _ => (statements::bucket_policy_statement, "the bucket policy"),
    };
    let mut wanted: Vec<Value> = permissions.iter().map(|permission| statement(*permission, blanks)).collect();
    let sids: Vec<&str> = wanted.iter().filter_map(|statement| statement["Sid"].as_str()).collect();
    let summary = match sids.as_slice() {
        [sid] => format!("To allow {action}, add this statement to {name}, replacing any existing statement with Sid {sid}."),
        sids => format!(
            "To allow {action}, add these statements to {name}, replacing any existing statements with Sid {}.",
            sids.join(" and ")
        ),
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
    Fix::new(
        document,
        FixAction::Remove,
        format!(
            "A Deny statement in {} denies {action}. Look for conditions on aws:SourceIp, aws:SourceVpce, aws:SecureTransport or \
             s3:x-amz-server-side-encryption, and add an exception for this role.",
            kind.phrase()
        ),
        None,
    )
}

/// In `direct`, AWS gives no reasons for S3 denials: which document a denied put is about follows from the service that
/// denied it.
pub fn permission_of(refusal: &AccessDenied, otherwise: Permission) -> Permission {
    match refusal.by {
        DeniedBy::Kms => Permission::Key,
        DeniedBy::S3 | DeniedBy::Sts => otherwise,
    }
}
