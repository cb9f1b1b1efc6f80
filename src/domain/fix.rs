//! A fix: the document, the statement and the sentence that would make a failed check pass.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr};
use utoipa::ToSchema;

use super::answer::{PolicyKind, Reason, Refusal, Refuser};
use super::storage_config::Mode;
use super::templates::Blanks;
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
    KeySettings,
    PermissionsBoundary,
    OrganizationPolicy,
    Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, IntoStaticStr, ToSchema)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum FixAction {
    /// Put the statement in, in the place of one with the same Sid if there is one.
    Add,
    /// Put the statement in the place of the one with the same Sid.
    Replace,
    /// Take out what stands in the way.
    Remove,
    /// Set a setting, or a field of the form.
    Set,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Fix {
    pub document: FixDocument,
    pub action: FixAction,
    /// One sentence that says what to do.
    pub summary: String,
    /// The exact statement or setting for this tenant. None where AWS does not show what is in the way.
    #[schema(value_type = Option<Object>)]
    pub statement: Option<serde_json::Value>,
}

impl Fix {
    pub fn new(document: FixDocument, action: FixAction, summary: impl Into<String>, statement: Option<serde_json::Value>) -> Self {
        Self {
            document,
            action,
            summary: summary.into(),
            statement,
        }
    }

    pub fn form(summary: impl Into<String>) -> Self {
        Self::new(FixDocument::Form, FixAction::Set, summary, None)
    }
}

/// What would grant a refused action: read from AWS's reason where it gives one, from the mode where not.
pub fn of_refusal(refusal: &Refusal, action: &str, permission: Permission, blanks: &Blanks) -> Fix {
    if let Reason::DeniedBy(kind) = refusal.reason {
        return of_denial(kind, action, permission);
    }
    match refusal.reason {
        Reason::NotAllowedBy(PolicyKind::PermissionsBoundary) => {
            return Fix::new(
                FixDocument::PermissionsBoundary,
                FixAction::Add,
                format!("Allow {action} in the permissions boundary of the role: a boundary limits what its permissions grant."),
                None,
            );
        }
        Reason::NotAllowedBy(
            kind @ (PolicyKind::ServiceControl | PolicyKind::ResourceControl | PolicyKind::VpcEndpoint | PolicyKind::Session),
        ) => {
            return Fix::new(
                FixDocument::OrganizationPolicy,
                FixAction::Add,
                format!(
                    "Allow {action} in {}: it stands above the policies of the role, the bucket and the key.",
                    kind.phrase()
                ),
                None,
            );
        }
        _ => {}
    }
    let by_resource = refusal.reason == Reason::NotAllowedBy(PolicyKind::Resource);
    let document = match (blanks.mode, permission) {
        (Mode::AssumeRole, _) if !by_resource => FixDocument::RolePermissions,
        (_, Permission::Key) => FixDocument::KeyPolicy,
        (_, Permission::Objects | Permission::List | Permission::Posture) => FixDocument::BucketPolicy,
    };
    let (statement, name) = match document {
        FixDocument::RolePermissions => (statements::role_statement(permission, blanks), "the permissions of your role"),
        FixDocument::KeyPolicy => (statements::key_policy_statement(blanks), "the key's policy"),
        _ => (statements::bucket_policy_statement(permission, blanks), "the bucket's policy"),
    };
    let sid = statement["Sid"].as_str().unwrap_or_default().to_owned();
    Fix::new(
        document,
        FixAction::Add,
        format!("Allow {action} in {name}: put this statement in, in the place of the one named {sid} if there is one."),
        Some(statement),
    )
}

fn of_denial(kind: PolicyKind, action: &str, permission: Permission) -> Fix {
    let document = match (kind, permission) {
        (PolicyKind::Identity | PolicyKind::Session, _) => FixDocument::RolePermissions,
        (PolicyKind::Resource, Permission::Key) => FixDocument::KeyPolicy,
        (PolicyKind::Resource, _) => FixDocument::BucketPolicy,
        (PolicyKind::PermissionsBoundary, _) => FixDocument::PermissionsBoundary,
        (PolicyKind::ServiceControl | PolicyKind::ResourceControl | PolicyKind::VpcEndpoint, _) => FixDocument::OrganizationPolicy,
    };
    Fix::new(
        document,
        FixAction::Remove,
        format!(
            "A Deny statement in {} forbids {action}. Look for conditions on aws:SourceIp, aws:SourceVpce, aws:SecureTransport or \
             s3:x-amz-server-side-encryption, and make an exception for this role.",
            kind.phrase()
        ),
        None,
    )
}

/// `direct` gives no reasons for S3, so which of the two documents a refused put is about is told by who refused it.
pub fn permission_of(refusal: &Refusal, otherwise: Permission) -> Permission {
    match refusal.by {
        Refuser::Kms => Permission::Key,
        Refuser::S3 | Refuser::Sts => otherwise,
    }
}
