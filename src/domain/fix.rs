//! A fix: the document, the statement and the instruction that would make a failed check pass.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

use super::api_result::{AccessDenied, DenialReason, DeniedBy, PolicyKind};
use super::arn::PolicyArn;
use super::message::{Message, fixes};
use super::storage_config::{Mode, StorageConfig};
use super::templates::statements::{self, Permission};
use super::templates::{TemplateParams, network};

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
    /// Settings of IAM for the whole account.
    AccountSettings,
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
    /// The policy that denied, if AWS named it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyArn>,
    /// Another change that may be needed as well: AWS does not reveal which of the two is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub also: Option<Box<Fix>>,
}

impl Fix {
    pub fn new(document: FixDocument, action: FixAction, summary: Message, statement: Option<Value>) -> Self {
        Self {
            document,
            action,
            summary,
            statement,
            policy: None,
            also: None,
        }
    }

    #[must_use]
    fn of_policy(self, policy: Option<PolicyArn>) -> Self {
        Self { policy, ..self }
    }

    #[must_use]
    pub fn or_also(self, other: Self) -> Self {
        let also = match self.also {
            Some(also) => also.or_also(other),
            None => other,
        };
        Self {
            also: Some(Box::new(also)),
            ..self
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
        FixDocument::AccountSettings => ("Account settings", "IAM › Account settings".into()),
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
    match refusal.reason {
        DenialReason::DeniedBy(kind) => {
            let denial = of_denial(kind, action, of_key).of_policy(refusal.policy.clone());
            or_outdated(denial, kind, action, params)
        }
        DenialReason::DeniedSomewhere => of_unknown_denial(action, of_key),
        DenialReason::NotAllowedBy(PolicyKind::PermissionsBoundary) => Fix::new(
            FixDocument::PermissionsBoundary,
            FixAction::Add,
            fixes::allow_in_boundary(action),
            None,
        ),
        DenialReason::NotAllowedBy(
            kind @ (PolicyKind::ServiceControl | PolicyKind::ResourceControl | PolicyKind::VpcEndpoint | PolicyKind::Session),
        ) => Fix::new(
            FixDocument::OrganizationPolicy,
            FixAction::Add,
            fixes::allow_in_policy(action, kind.phrase()),
            None,
        ),
        DenialReason::NotAllowedBy(PolicyKind::Resource) => of_resource(of_key, action, permissions, params),
        DenialReason::NotAllowedBy(PolicyKind::Identity | PolicyKind::RoleTrust)
        | DenialReason::Unsaid
        | DenialReason::ObjectLock
        | DenialReason::MfaDelete => match params.mode {
            Mode::Direct => of_resource(of_key, action, permissions, params),
            // Both have to allow it, and S3 does not say which of them does not.
            Mode::AssumeRole if refusal.reason == DenialReason::Unsaid && !of_key && params.bucket_is_elsewhere() => {
                let role = granting(FixDocument::RolePermissions, action, permissions, params);
                of_resource(of_key, action, permissions, params).or_also(role)
            }
            Mode::AssumeRole => granting(FixDocument::RolePermissions, action, permissions, params),
        },
    }
}

/// In the policy of the bucket or of the key.
fn of_resource(of_key: bool, action: &str, permissions: &[Permission], params: &TemplateParams) -> Fix {
    let document = if of_key {
        FixDocument::KeyPolicy
    } else {
        FixDocument::BucketPolicy
    };
    granting(document, action, permissions, params)
}

/// The statements of a document that allow an action.
fn granting(document: FixDocument, action: &str, permissions: &[Permission], params: &TemplateParams) -> Fix {
    let (statement, name): (fn(Permission, &TemplateParams) -> Value, &str) = match document {
        FixDocument::RolePermissions => (statements::role_statement, "the permissions of [your] role"),
        FixDocument::KeyPolicy => (|_, params| statements::key_policy_statement(params), "the key policy"),
        _ => (statements::bucket_policy_statement, "the bucket policy"),
    };
    let mut wanted: Vec<Value> = permissions.iter().map(|permission| statement(*permission, params)).collect();
    // One that names an earlier network denies what the others allow.
    wanted.extend(network::statement(document, params));
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

/// Condition keys that keep out a caller who should have access, by where such a condition usually is.
const OF_ORGANIZATION: &str = "aws:RequestedRegion, aws:PrincipalOrgID, aws:ResourceOrgID, aws:PrincipalArn, aws:SourceIp, aws:SourceVpce or \
                               s3:x-amz-server-side-encryption";
const OF_BUCKET: &str = "aws:SourceIp, aws:SourceVpce, aws:SecureTransport, aws:PrincipalOrgID, s3:x-amz-server-side-encryption, s3:x-amz-acl, \
                         s3:x-amz-storage-class or s3:RequestObjectTag";
const OF_KEY: &str = "kms:ViaService, kms:CallerAccount, kms:EncryptionContext, aws:SourceVpce or aws:PrincipalOrgID";
const OF_ROLE: &str = "aws:SourceIp, aws:SourceVpce, aws:RequestedRegion, aws:ResourceAccount or aws:ResourceTag";

fn of_denial(kind: PolicyKind, action: &str, of_key: bool) -> Fix {
    let (document, conditions) = match kind {
        PolicyKind::Identity | PolicyKind::Session => (FixDocument::RolePermissions, OF_ROLE),
        PolicyKind::Resource if of_key => (FixDocument::KeyPolicy, OF_KEY),
        PolicyKind::Resource => (FixDocument::BucketPolicy, OF_BUCKET),
        PolicyKind::RoleTrust => (FixDocument::TrustPolicy, OF_ORGANIZATION),
        PolicyKind::PermissionsBoundary => (FixDocument::PermissionsBoundary, OF_ROLE),
        PolicyKind::ServiceControl | PolicyKind::ResourceControl | PolicyKind::VpcEndpoint => {
            (FixDocument::OrganizationPolicy, OF_ORGANIZATION)
        }
    };
    Fix::new(
        document,
        FixAction::Remove,
        fixes::remove_deny(action, kind.phrase(), conditions),
        None,
    )
}

/// Our own Deny statement denies the vendor's calls as well, if it names an earlier network.
fn or_outdated(denial: Fix, kind: PolicyKind, action: &str, params: &TemplateParams) -> Fix {
    let Some(own) = network::statement(denial.document, params) else {
        return denial;
    };
    let sid = own["Sid"].as_str().unwrap_or_default();
    Fix {
        action: FixAction::Replace,
        summary: fixes::renew_network(sid, action, kind.phrase()).followed_by(&denial.summary),
        statement: Some(own),
        ..denial
    }
}

/// A grant does not help against a deny, wherever it is.
fn of_unknown_denial(action: &str, of_key: bool) -> Fix {
    let (document, name, conditions) = if of_key {
        (FixDocument::KeyPolicy, "the key policy", OF_KEY)
    } else {
        (FixDocument::BucketPolicy, "the bucket policy", OF_BUCKET)
    };
    Fix::new(
        document,
        FixAction::Remove,
        fixes::remove_unknown_deny(action, name, conditions),
        None,
    )
}

/// In `direct`, AWS gives no reasons for S3 denials. The service that denied a put determines which document needs a fix.
pub fn permission_of(refusal: &AccessDenied, otherwise: Permission) -> Permission {
    match refusal.by {
        DeniedBy::Kms => Permission::Key,
        DeniedBy::S3 | DeniedBy::Sts | DeniedBy::Iam => otherwise,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_further_change_loses_no_earlier_one() {
        let fix = |document| Fix::new(document, FixAction::Add, fixes::disable_acls(), None);
        let first = fix(FixDocument::BucketPolicy).or_also(fix(FixDocument::RolePermissions));
        let mut all = Vec::new();
        let mut next = Some(Box::new(first.or_also(fix(FixDocument::KeyPolicy))));
        while let Some(fix) = next {
            all.push(fix.document);
            next = fix.also;
        }
        let expected = [FixDocument::BucketPolicy, FixDocument::RolePermissions, FixDocument::KeyPolicy];
        assert_eq!(all, expected);
    }
}
