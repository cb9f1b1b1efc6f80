//! A fix: the document, the statement and the sentence that would make a failed check pass.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use strum::{Display, EnumString, IntoStaticStr};
use utoipa::ToSchema;

use super::api_result::{AccessDenied, DenialReason, DeniedBy, PolicyKind};
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
    /// The exact statement or setting for this tenant; a list of statements where one cause needs several. None where AWS does not show what is in the way.
    #[schema(value_type = Option<Object>)]
    pub statement: Option<Value>,
}

impl Fix {
    pub fn new(document: FixDocument, action: FixAction, summary: impl Into<String>, statement: Option<Value>) -> Self {
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
pub fn of_refusal(refusal: &AccessDenied, action: &str, permission: Permission, blanks: &TemplateParams) -> Fix {
    of_refusals(refusal, action, &[permission], blanks)
}

/// The same for actions that one cause refuses all alike. With several permissions, which are of one resource, the
/// fix's statement is the list of theirs.
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
                format!("Allow {action} in the permissions boundary of the role: a boundary limits what its permissions grant."),
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
                    "Allow {action} in {}: it stands above the policies of the role, the bucket and the key.",
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
        FixDocument::RolePermissions => (statements::role_statement, "the permissions of your role"),
        FixDocument::KeyPolicy => (|_, blanks| statements::key_policy_statement(blanks), "the key's policy"),
        _ => (statements::bucket_policy_statement, "the bucket's policy"),
    };
    let mut wanted: Vec<Value> = permissions.iter().map(|permission| statement(*permission, blanks)).collect();
    let sids: Vec<&str> = wanted.iter().filter_map(|statement| statement["Sid"].as_str()).collect();
    let summary = match sids.as_slice() {
        [sid] => format!("Allow {action} in {name}: put this statement in, in the place of the one named {sid} if there is one."),
        sids => format!(
            "Allow {action} in {name}: put these statements in, in the place of those named {} if there are such.",
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
            "A Deny statement in {} forbids {action}. Look for conditions on aws:SourceIp, aws:SourceVpce, aws:SecureTransport or \
             s3:x-amz-server-side-encryption, and make an exception for this role.",
            kind.phrase()
        ),
        None,
    )
}

/// `direct` gives no reasons for S3, so which of the two documents a refused put is about is told by who refused it.
pub fn permission_of(refusal: &AccessDenied, otherwise: Permission) -> Permission {
    match refusal.by {
        DeniedBy::Kms => Permission::Key,
        DeniedBy::S3 | DeniedBy::Sts => otherwise,
    }
}
