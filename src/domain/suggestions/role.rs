//! What is entered instead of a role's ARN: its name, an address, the ARN of a session or of an instance profile, or a
//! damaged ARN.

use super::arn_like::ArnLike;
use super::url::Url;
use super::{FormContext, Recognized};
use crate::domain::account::AccountId;
use crate::domain::arn::RoleName;
use crate::domain::partition::Partition;

pub(super) fn recognize(word: &str, around: FormContext) -> Option<Recognized> {
    let found = |kind, partition: Option<Partition>, account: Option<&AccountId>, role: &str| {
        let partition = partition.unwrap_or_else(|| around.partition());
        let role = role.trim_matches('/');
        let arn = account
            .or(around.account)
            .map(|account| format!("arn:{partition}:iam::{account}:role/{role}"));
        Some(Recognized::new(kind, arn.filter(|_| !role.is_empty())))
    };
    if let Some(url) = Url::read(word) {
        let name = url.after("roles/details/").or_else(|| url.after("roles/"));
        let name = name.map(|name| percent_encoding::percent_decode_str(name).decode_utf8_lossy().into_owned());
        return found("a web address", None, url.account().as_ref(), name.as_deref().unwrap_or_default());
    }
    if let Some(like) = ArnLike::read(word, &["iam", "sts"]) {
        let after = |kinds: &[&str]| kinds.iter().find_map(|kind| like.resource.strip_prefix(kind));
        let (partition, account) = (like.partition, like.account.as_ref());
        if let Some(session) = after(&["assumed-role/"]) {
            let name = session.split('/').next().unwrap_or_default();
            if name.starts_with("AWSReservedSSO_") {
                return Some(Recognized::new("the ARN of a session of IAM Identity Center", None));
            }
            return found("the ARN of a role session", partition, account, name);
        }
        if let Some(profile) = after(&["instance-profile/"]) {
            return found("the ARN of an instance profile", partition, account, profile);
        }
        let role = after(&["role/", "role:", "roles/", "Role/"])?;
        return found("not a role's ARN", partition, account, role);
    }
    // Without the service: 123456789012:role/documents.
    if let Some((account, role)) = word.split_once(":role/") {
        let account = AccountId::parse(account.rsplit(':').next().unwrap_or_default()).ok();
        return found("a part of a role's ARN", None, account.as_ref(), role);
    }
    let path = word.strip_prefix("role/").unwrap_or(word).trim_matches('/');
    let name = path.rsplit('/').next().unwrap_or_default();
    if is_unique_id(name) {
        return Some(Recognized::new("the unique ID of an IAM identity", None));
    }
    // An email address is not a role's name, although it could be one.
    let is_email = name.split_once('@').is_some_and(|(_, host)| host.contains('.'));
    if is_email || RoleName::parse(name).is_err() || path.contains("://") {
        return None;
    }
    found("a role's name", None, None, path)
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids>
fn is_unique_id(text: &str) -> bool {
    let starts = ["AROA", "AIDA", "AKIA", "ASIA", "AIPA"];
    text.len() >= 16
        && starts.iter().any(|start| text.starts_with(start))
        && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}
