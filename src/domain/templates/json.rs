//! The documents as JSON, each with the place to apply it, in the order in which they can be applied: role, key, bucket.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;

use super::creation::RolePath;
use super::format::TemplateFormat;
use super::{TemplateParams, lists, statements};
use crate::domain::account::AccountId;
use crate::domain::fix::FixDocument;
use crate::domain::storage_config::Mode;

#[derive(Debug, Clone, Serialize)]
pub struct Documents {
    pub mode: Mode,
    /// The number of these documents, if it is known.
    pub version: Option<i32>,
    /// In the order in which to apply them. AWS rejects a policy that names a role that does not exist.
    pub documents: Vec<Document>,
    pub settings: Vec<Setting>,
    /// The link that opens the AWS console with the vendor's hosted `CloudFormation` template and all parameters filled in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quick_create_url: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Document {
    pub document: FixDocument,
    pub title: String,
    /// The AWS account in which to apply it, if it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
    /// Where to apply it in the AWS console.
    pub apply_to: String,
    pub form: DocumentKind,
    pub body: Value,
    /// The complete policy for a new key. To the policy of an existing key, only add the statement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_key_policy: Option<Value>,
}

/// What the body of a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, strum::EnumIter)]
#[serde(rename_all = "snake_case")]
pub enum DocumentKind {
    /// A complete policy document.
    Policy,
    /// A statement to add to the existing ones.
    Statement,
    /// A list of statements to add to the existing ones.
    Statements,
    /// A setting of the resource.
    Configuration,
}

impl DocumentKind {
    fn pronoun(self) -> &'static str {
        if self == Self::Statements { "each of them" } else { "it" }
    }
}

/// A setting to choose in the AWS console.
#[derive(Debug, Clone, Serialize)]
pub struct Setting {
    pub name: &'static str,
    pub value: Cow<'static, str>,
    pub why: &'static str,
}

const SETTINGS: [Setting; 8] = [
    Setting {
        name: "Bucket type",
        value: Cow::Borrowed("General purpose"),
        why: "Directory and table buckets don't support S3 Bucket Keys or these policies.",
    },
    Setting {
        name: "Object ownership",
        value: Cow::Borrowed("ACLs disabled"),
        why: "Then only policies control access, and you own every object.",
    },
    Setting {
        name: "Block public access",
        value: Cow::Borrowed("All four on"),
        why: "Public access is never needed.",
    },
    Setting {
        name: "Blocked encryption types",
        value: Cow::Borrowed("SSE-C"),
        why: "Otherwise, objects could be encrypted with keys that nobody else has. Leave it out if other applications use SSE-C in this bucket.",
    },
    Setting {
        name: "Bucket versioning",
        value: Cow::Borrowed("Disabled"),
        why: "Deleted documents would be kept as old versions.",
    },
    Setting {
        name: "Region",
        value: Cow::Borrowed("The same as the key"),
        why: "S3 requires a key in the bucket's region.",
    },
    Setting {
        name: "Server access logging",
        value: Cow::Borrowed("On, to another bucket"),
        why: "It records every access. The default encryption of the bucket that receives the logs must not be a KMS key.",
    },
    Setting {
        name: "Review",
        value: Cow::Borrowed("Regularly"),
        why: "Review the granted access regularly, as for any third party.",
    },
];

/// Every document of a mode.
pub fn documents(params: &TemplateParams) -> Documents {
    let [role, key, bucket] = [params.role_account(), params.key_account(), params.account_of_bucket()].map(Option::<&AccountId>::cloned);
    let mut documents = Vec::new();
    if params.mode == Mode::AssumeRole {
        documents.push(Document {
            document: FixDocument::TrustPolicy,
            account: role.clone(),
            title: "Trust policy of your role".into(),
            apply_to: format!("IAM, role {}, Trust relationships", params.role_name()),
            form: DocumentKind::Policy,
            body: statements::policy(&[statements::trust_statement(params)]),
            new_key_policy: None,
        });
        documents.push(Document {
            document: FixDocument::RolePermissions,
            account: role.clone(),
            title: "Permissions of your role".into(),
            apply_to: format!("IAM, role {}, Permissions, inline policy", params.role_name()),
            form: DocumentKind::Policy,
            body: statements::policy(&lists::of_role(params)),
            new_key_policy: None,
        });
    }
    let of_key = lists::of_key_policy(params);
    let (title, form, body) = match of_key.as_slice() {
        [one] => ("Statement to add to the key policy", DocumentKind::Statement, one.clone()),
        several => (
            "Statements to add to the key policy",
            DocumentKind::Statements,
            Value::from(several),
        ),
    };
    documents.push(Document {
        document: FixDocument::KeyPolicy,
        account: key.clone(),
        title: title.into(),
        apply_to: format!(
            "KMS, key {}, Key policy: add {} to the Statement list",
            params.key_arn(),
            form.pronoun()
        ),
        form,
        body,
        new_key_policy: Some(statements::policy(&lists::of_new_key_policy(params))),
    });
    documents.push(Document {
        document: FixDocument::BucketPolicy,
        account: bucket.clone(),
        title: "Bucket policy".into(),
        apply_to: format!("S3, bucket {}, Permissions, Bucket policy", params.bucket_name()),
        form: DocumentKind::Policy,
        body: statements::policy(&lists::of_bucket_policy(params)),
        new_key_policy: None,
    });
    documents.push(Document {
        document: FixDocument::BucketEncryption,
        account: bucket.clone(),
        title: "Default encryption of the bucket".into(),
        apply_to: format!("S3, bucket {}, Properties, Default encryption", params.bucket_name()),
        form: DocumentKind::Configuration,
        body: statements::new_bucket_encryption(params),
        new_key_policy: None,
    });
    let several = TemplateFormat::Cli.check_accounts(params).is_err();
    for document in &mut documents {
        if let Some(account) = document.account.as_ref().filter(|_| several) {
            document.apply_to = format!("Account {account}: {}", document.apply_to);
        }
    }
    Documents {
        mode: params.mode,
        version: params.version,
        documents,
        settings: settings(params),
        quick_create_url: None,
    }
}

/// The settings of every bucket, and what the customer's organization requires of new resources.
fn settings(params: &TemplateParams) -> Vec<Setting> {
    let creation = &params.creation;
    let mut settings = SETTINGS.to_vec();
    if params.mode == Mode::AssumeRole && creation.role_path != RolePath::default() {
        settings.push(Setting {
            name: "Role path",
            value: creation.role_path.to_string().into(),
            why: "The policies name the role with its path. Only the AWS CLI (--path), CloudFormation and Terraform can set one.",
        });
    }
    if let Some(boundary) = creation.permissions_boundary.as_ref().filter(|_| params.mode == Mode::AssumeRole) {
        settings.push(Setting {
            name: "Permissions boundary of the role",
            value: boundary.to_string().into(),
            why: "Under IAM, Roles, the role, Permissions boundary. It must allow what the role's permissions do.",
        });
    }
    if !creation.tags.is_empty() {
        settings.push(Setting {
            name: "Tags",
            value: creation.tags.to_string().into(),
            why: "Of the role, the key and the bucket that you create, each under Tags.",
        });
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::arn::{BucketName, KeyArn, RoleArn, RoleName};
    use crate::domain::external_id::ExternalId;
    use crate::domain::templates::samples::restricted;

    fn params(mode: Mode) -> TemplateParams {
        let vendor = RoleArn::parse("arn:aws-us-gov:iam::111111111111:role/vendor").unwrap();
        TemplateParams::empty(
            mode,
            vendor,
            vec![ExternalId::parse("lk-0123456789abcdef0123456789abcdef01234567").unwrap()],
        )
    }

    #[test]
    fn assume_role_untyped() {
        insta::assert_json_snapshot!(documents(&params(Mode::AssumeRole)).documents);
    }

    #[test]
    fn direct_all_typed() {
        let typed = TemplateParams {
            bucket: Some(BucketName::parse("acme-documents").unwrap()),
            key: Some(KeyArn::parse("arn:aws-us-gov:kms:us-gov-west-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab").unwrap()),
            ..params(Mode::Direct)
        };
        insta::assert_json_snapshot!(documents(&typed).documents);
    }

    #[test]
    fn restricted_to_the_vendors_network() {
        insta::assert_json_snapshot!([Mode::AssumeRole, Mode::Direct].map(|mode| documents(&restricted(params(mode))).documents));
    }

    #[test]
    fn both_ids_are_listed_during_a_rotation() {
        let mut rotating = params(Mode::AssumeRole);
        rotating.role_name = Some(RoleName::parse("documents").unwrap());
        rotating
            .external_ids
            .push(ExternalId::parse("lk-fedcba9876543210fedcba9876543210fedcba98").unwrap());
        let statement = statements::trust_statement(&rotating);
        assert_eq!(
            statement["Condition"]["StringEquals"]["sts:ExternalId"].as_array().map(Vec::len),
            Some(2)
        );
    }
}
