//! Approval of a change: whether a verified version may replace the active one without an operator.
//!
//! A leaked invite link lets its finder submit another bucket, which can pass every check. So a change that matters needs the decision
//! of a person who can ask the customer.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

use super::account::AccountId;
use super::ids::{Slug, TenantName, VerificationId};
use super::storage_config::{Storage, StorageConfig};

/// Which changes of an active version need an approval. The first version of a tenant never does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Display, EnumString, EnumIter)]
#[strum(serialize_all = "snake_case")]
pub enum ApprovalPolicy {
    /// Every change.
    Always,
    /// Only a change to an AWS account that the active version does not use, or of the prefix or the access in the same bucket.
    #[default]
    AccountChange,
    Never,
}

impl ApprovalPolicy {
    /// Whether the new storage needs an approval to replace the active one.
    pub fn requires_approval(self, active: &Storage, new: &Storage) -> bool {
        match self {
            Self::Always => active != new,
            Self::AccountChange => !accounts(new).is_subset(&accounts(active)) || changes_scope(active, new),
            Self::Never => false,
        }
    }
}

/// Whether the same bucket is used in part only, or for reading only. The policies of the active version suffice for that, so anyone who has
/// the link could submit it.
fn changes_scope(active: &Storage, new: &Storage) -> bool {
    active.bucket == new.bucket && (active.prefix != new.prefix || active.level != new.level)
}

/// The accounts of the bucket, the key and the role.
fn accounts(storage: &Storage) -> HashSet<&AccountId> {
    let role = storage.access.client_role().map(super::arn::RoleArn::account);
    [&storage.bucket_account, storage.key.account()].into_iter().chain(role).collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Display, EnumString, EnumIter, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ApprovalState {
    /// Verified, and waiting for an operator.
    Pending,
    /// Approved, and being verified again before it is activated.
    Approved,
    /// Approved, verified again, and activated.
    Activated,
    /// Declined by an operator.
    Declined,
    /// A newer version was submitted, it was rejected when it was verified again, or the tenant was offboarded.
    Withdrawn,
}

impl ApprovalState {
    /// Whether the version can still be activated by it.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Pending | Self::Approved)
    }
}

/// The approval of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    pub config: StorageConfig,
    pub state: ApprovalState,
    pub requested_at: DateTime<Utc>,
    /// When it left the state `pending`.
    pub decided_at: Option<DateTime<Utc>>,
    /// The verification that the approval queued. Only that one activates the version.
    pub verification: Option<VerificationId>,
}

/// A pending approval, with its tenant and what it would replace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingApproval {
    pub slug: Slug,
    pub name: TenantName,
    pub approval: Approval,
    /// None if the tenant has no active version any more.
    pub active: Option<StorageConfig>,
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::domain::access_level::AccessLevel;
    use crate::domain::arn::{BucketArn, KeyArn, RoleArn};
    use crate::domain::region::Region;
    use crate::domain::storage_config::Access;

    const OURS: &str = "222222222222";
    const THEIRS: &str = "333333333333";

    fn storage(bucket: &str, bucket_account: &str, key_account: &str, role_account: Option<&str>) -> Storage {
        Storage {
            access: role_account.map_or(Access::Direct, |account| Access::AssumeRole {
                role: RoleArn::parse(&format!("arn:aws:iam::{account}:role/documents")).unwrap(),
            }),
            bucket: BucketArn::parse(&format!("arn:aws:s3:::{bucket}")).unwrap(),
            region: Region::parse("eu-central-1").unwrap(),
            key: KeyArn::parse(&format!(
                "arn:aws:kms:eu-central-1:{key_account}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
            ))
            .unwrap(),
            bucket_account: AccountId::parse(bucket_account).unwrap(),
            prefix: None,
            level: AccessLevel::ReadWrite,
            sample_object: None,
        }
    }

    #[rstest]
    #[case::same(storage("ours", OURS, OURS, None), false, false)]
    #[case::other_bucket(storage("other", OURS, OURS, None), true, false)]
    #[case::other_mode(storage("ours", OURS, OURS, Some(OURS)), true, false)]
    #[case::foreign_bucket(storage("other", THEIRS, OURS, None), true, true)]
    #[case::foreign_key(storage("ours", OURS, THEIRS, None), true, true)]
    #[case::foreign_role(storage("ours", OURS, OURS, Some(THEIRS)), true, true)]
    #[case::another_prefix(Storage { prefix: Some("a/".parse().unwrap()), ..storage("ours", OURS, OURS, None) }, true, true)]
    #[case::another_access(Storage { level: AccessLevel::Read, ..storage("ours", OURS, OURS, None) }, true, true)]
    fn a_change_needs_an_approval(#[case] new: Storage, #[case] always: bool, #[case] account_change: bool) {
        let active = storage("ours", OURS, OURS, None);
        assert_eq!(ApprovalPolicy::Always.requires_approval(&active, &new), always);
        assert_eq!(ApprovalPolicy::AccountChange.requires_approval(&active, &new), account_change);
        assert!(!ApprovalPolicy::Never.requires_approval(&active, &new));
    }

    #[test]
    fn an_account_that_is_used_already_needs_none() {
        let active = storage("ours", OURS, THEIRS, None);
        let swapped = storage("other", THEIRS, OURS, None);
        assert!(!ApprovalPolicy::AccountChange.requires_approval(&active, &swapped));
    }
}
