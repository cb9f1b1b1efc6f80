//! The offboarding steps for the customer. They remove only the statements that the tenant's documents added.

use std::fmt::Write as _;

use serde::Serialize;

use super::network::NETWORK_SID;
use super::sid::SidSuffix;
use super::statements::{ASSUME_SID, Permission};
use crate::domain::arn::{BucketName, KeyArn, RoleArn};
use crate::domain::fix::FixDocument;
use crate::domain::storage_config::{Mode, Storage};

/// The steps. The first one alone revokes all access.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Removal {
    pub steps: Vec<RemovalStep>,
    /// What to do if the documents were applied as a file.
    pub files: Vec<&'static str>,
    /// What to keep, and why.
    pub keep: Vec<&'static str>,
    /// All steps as text for an email.
    pub text: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RemovalStep {
    pub document: FixDocument,
    pub title: String,
    /// Where it is in the AWS console.
    pub apply_to: String,
    /// What to do.
    pub summary: String,
    /// The Sids of the statements to remove, if present.
    pub statements: Vec<String>,
    /// The same with the AWS CLI and jq. Null if the names are not known.
    pub command: Option<String>,
}

const FILES: [&str; 2] = [
    "CloudFormation: delete the stack. The bucket and the key are kept.",
    "Terraform: remove everything except the bucket and the key from the configuration, and apply it.",
];

const KEEP: [&str; 2] = [
    "The bucket and its documents are yours and remain unchanged.",
    "Don't delete the key while you keep the documents or copies of them. Without it they can never be read again.",
];

/// The steps for every storage config that was ever submitted. If there is none, for the modes in which documents were
/// issued.
pub fn removal(vendor: &str, suffix: SidSuffix, submitted: &[Storage], issued: &[Mode]) -> Removal {
    let mut steps = Vec::new();
    let mut add = |step: RemovalStep| {
        if !steps.contains(&step) {
            steps.push(step);
        }
    };
    if submitted.is_empty() {
        if issued.contains(&Mode::AssumeRole) {
            add(role(vendor, suffix, None));
        }
        add(bucket(suffix, None));
        add(key(suffix, None));
    }
    for storage in submitted {
        if let Some(client_role) = storage.access.client_role() {
            add(role(vendor, suffix, Some(client_role)));
        }
    }
    for storage in submitted {
        add(bucket(suffix, Some((storage.bucket.name(), storage.region.as_str()))));
    }
    for storage in submitted {
        add(key(suffix, Some(&storage.key)));
    }
    let text = text(vendor, &steps);
    Removal {
        steps,
        files: FILES.to_vec(),
        keep: KEEP.to_vec(),
        text,
    }
}

fn role(vendor: &str, suffix: SidSuffix, role: Option<&RoleArn>) -> RemovalStep {
    let name = role.map_or_else(|| "that you created".to_owned(), |role| role.name().to_string());
    RemovalStep {
        document: FixDocument::TrustPolicy,
        title: format!("Delete the role{}", role.map_or(String::new(), |role| format!(" {}", role.name()))),
        apply_to: role.map_or_else(|| "IAM, Roles".into(), |role| format!("IAM, Roles, {role}")),
        summary: format!(
            "Delete the role {name} if only {vendor} uses it. Otherwise, remove these statements from its trust policy and its permissions."
        ),
        statements: [ASSUME_SID]
            .into_iter()
            .chain(
                [
                    Permission::Objects,
                    Permission::List,
                    Permission::Key,
                    Permission::Posture,
                    Permission::Bucket,
                ]
                .map(Permission::sid),
            )
            .chain([NETWORK_SID])
            .map(|sid| suffix.append_to(sid))
            .collect(),
        command: role.map(|role| {
            let name = role.name();
            format!(
                "for policy in $(aws iam list-role-policies --role-name {name} --query 'PolicyNames[]' --output text); do\n  \
                 aws iam delete-role-policy --role-name {name} --policy-name \"$policy\"\ndone\n\
                 aws iam delete-role --role-name {name}"
            )
        }),
    }
}

fn bucket(suffix: SidSuffix, bucket: Option<(&BucketName, &str)>) -> RemovalStep {
    let granting = [Permission::Objects, Permission::List, Permission::Posture, Permission::Bucket].map(Permission::sid);
    let statements: Vec<_> = granting.into_iter().chain([NETWORK_SID]).map(|sid| suffix.append_to(sid)).collect();
    RemovalStep {
        document: FixDocument::BucketPolicy,
        title: bucket.map_or_else(
            || "Remove the statements from the bucket policy".into(),
            |(name, _)| format!("Remove the statements from the policy of the bucket {name}"),
        ),
        apply_to: bucket.map_or_else(
            || "S3, your bucket, Permissions, Bucket policy".into(),
            |(name, _)| format!("S3, bucket {name}, Permissions, Bucket policy"),
        ),
        summary: "If no other statement remains, delete the bucket policy.".into(),
        command: bucket.map(|(name, region)| {
            format!(
                "aws s3api get-bucket-policy --bucket {name} --region {region} --query Policy --output text \\\n  \
                 | jq '{}' > bucket-policy.json\n\
                 if [ \"$(jq '.Statement | length' bucket-policy.json)\" = 0 ]; then\n  \
                 aws s3api delete-bucket-policy --bucket {name} --region {region}\nelse\n  \
                 aws s3api put-bucket-policy --bucket {name} --region {region} --policy file://bucket-policy.json\nfi",
                without(&statements)
            )
        }),
        statements,
    }
}

fn key(suffix: SidSuffix, key: Option<&KeyArn>) -> RemovalStep {
    let statements = [Permission::Key.sid(), NETWORK_SID].map(|sid| suffix.append_to(sid)).to_vec();
    RemovalStep {
        document: FixDocument::KeyPolicy,
        title: "Remove the statements from the key policy".into(),
        apply_to: key.map_or_else(|| "KMS, your key, Key policy".into(), |key| format!("KMS, key {key}, Key policy")),
        summary: "Keep all other statements, in particular the one that lets your account administer the key.".into(),
        command: key.map(|key| {
            let of = format!("--key-id {key} --region {} --policy-name default", key.region());
            format!(
                "aws kms get-key-policy {of} --query Policy --output text \\\n  | jq '{}' > key-policy.json\n\
                 aws kms put-key-policy {of} --policy file://key-policy.json",
                without(&statements)
            )
        }),
        statements,
    }
}

/// The jq filter that removes these statements. A policy may have a single statement instead of a list.
fn without(sids: &[String]) -> String {
    let sids = sids.iter().map(|sid| format!("\"{sid}\"")).collect::<Vec<_>>().join(", ");
    format!(".Statement |= ([.] | flatten | map(select(.Sid | IN({sids}) | not)))")
}

fn text(vendor: &str, steps: &[RemovalStep]) -> String {
    let mut text = format!("The connection of {vendor} to your storage has ended. To remove the access that you granted:\n");
    for (number, step) in (1..).zip(steps) {
        let statements = step.statements.join(", ");
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "\n{number}. {}\n   Where: {}\n   Statements: {statements}\n   {}\n",
            step.title, step.apply_to, step.summary
        );
    }
    text.push_str("\nIf you applied the documents as a file:\n");
    for line in FILES {
        let _ = writeln!(text, "   {line}");
    }
    text.push('\n');
    for line in KEEP {
        let _ = writeln!(text, "{line}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::account::AccountId;
    use crate::domain::arn::BucketArn;
    use crate::domain::region::Region;
    use crate::domain::storage_config::Access;

    fn suffix() -> SidSuffix {
        SidSuffix::of(uuid::Uuid::from_u128(7).into())
    }

    fn storage(bucket: &str, role: Option<&str>) -> Storage {
        let role = role.map(|name| RoleArn::parse(&format!("arn:aws:iam::222222222222:role/{name}")).unwrap());
        Storage {
            access: role.map_or(Access::Direct, |role| Access::AssumeRole { role }),
            bucket: BucketArn::parse(&format!("arn:aws:s3:::{bucket}")).unwrap(),
            bucket_account: AccountId::parse("222222222222").unwrap(),
            region: "eu-central-1".parse::<Region>().unwrap(),
            key: KeyArn::parse("arn:aws:kms:eu-central-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab").unwrap(),
            prefix: None,
            level: crate::domain::access_level::AccessLevel::ReadWrite,
            sample_object: None,
        }
    }

    #[test]
    fn each_step_appears_once_and_the_role_first() {
        let submitted = [
            storage("acme-new", Some("documents")),
            storage("acme-old", Some("documents")),
            storage("acme-old", None),
        ];
        let removal = removal("Examplecorp", suffix(), &submitted, &[]);
        insta::assert_snapshot!(removal.text);
        let documents: Vec<_> = removal.steps.iter().map(|step| step.document).collect();
        assert_eq!(
            documents,
            [
                FixDocument::TrustPolicy,
                FixDocument::BucketPolicy,
                FixDocument::BucketPolicy,
                FixDocument::KeyPolicy
            ]
        );
    }

    #[test]
    fn documents_that_were_never_submitted_have_steps_without_names() {
        let all = removal("Examplecorp", suffix(), &[], &[Mode::Direct, Mode::AssumeRole]);
        assert_eq!(all.steps.len(), 3);
        assert!(all.steps.iter().all(|step| step.command.is_none() && !step.statements.is_empty()));
        let direct = removal("Examplecorp", suffix(), &[], &[Mode::Direct]);
        assert_eq!(direct.steps.len(), 2, "the mode direct has no role");
    }
}
