//! Grants limit what credentials for a tenant's documents allow, within what the tenant's policies allow.

use serde_json::{Value, json};

use super::access_level::AccessLevel;
use super::account::AccountId;
use super::active_storage::ActiveStorage;
use super::arn::{BucketArn, KeyArn};
use super::extra_action::ExtraActions;
use super::key_prefix::{KeyPrefix, StoragePrefix};
use super::storage_config::Storage;
use super::templates::statements::{self, Permission, policy};
use super::text::Malformed;

/// How long a session lasts: 900 to 3,600 seconds. STS issues none shorter, and none longer through role chaining.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html#iam-term-role-chaining>
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionDuration(u16);

impl SessionDuration {
    const SHORTEST: u16 = 900;
    const LONGEST: u16 = 3600;

    /// As short as STS allows.
    pub(crate) fn shortest() -> Self {
        Self(Self::SHORTEST)
    }

    /// # Errors
    /// `out_of_range`
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        match text.parse() {
            Ok(seconds @ Self::SHORTEST..=Self::LONGEST) => Ok(Self(seconds)),
            _ => Err(Malformed::new("out_of_range", "ttl must be 900 to 3600 seconds, such as 900")),
        }
    }

    pub fn seconds(self) -> u16 {
        self.0
    }
}

impl Default for SessionDuration {
    fn default() -> Self {
        Self(Self::LONGEST)
    }
}

/// The requested access.
///
/// ```
/// use latchkey::domain::active_storage::ActiveStorage;
/// use latchkey::domain::access_level::AccessLevel;
/// use latchkey::domain::extra_action::ExtraActions;
/// use latchkey::domain::grant::Grant;
/// use latchkey::domain::key_prefix::KeyPrefix;
/// use serde_json::json;
///
/// let storage: ActiveStorage = serde_json::from_value(json!({
///     "tenant_id": "01910f5e-8f6a-7cc3-8f5e-2f8a1c9f0b11", "slug": "acme", "version": 1, "mode": "direct", "status": "active",
///     "bucket": "my-bucket", "bucket_arn": "arn:aws:s3:::my-bucket", "region": "eu-central-1",
///     "key_arn": "arn:aws:kms:eu-central-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab", "role_arn": null,
///     "external_id": "lk-0123456789", "vendor_role_arn": null, "bucket_account_id": "222222222222", "prefix": null, "access": "read_write",
///     "verified_at": "2026-01-01T00:00:00Z", "stale": false,
/// }))
/// .unwrap();
/// let grant = Grant { level: AccessLevel::Read, prefix: Some(KeyPrefix::parse("invoices/").unwrap()), ..Grant::default() };
///
/// let policy = grant.session_policy(&storage, &ExtraActions::default());
/// assert_eq!(policy["Statement"][0]["Action"], json!(["s3:GetObject"]));
/// assert_eq!(policy["Statement"][0]["Resource"], "arn:aws:s3:::my-bucket/invoices/*");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Grant {
    pub level: AccessLevel,
    pub prefix: Option<KeyPrefix>,
    pub duration: SessionDuration,
}

/// The storage that a grant is for.
pub struct GrantTarget<'a> {
    bucket: &'a BucketArn,
    /// The bucket's owner.
    account: &'a AccountId,
    key: &'a KeyArn,
    prefix: Option<&'a StoragePrefix>,
}

impl<'a> From<&'a ActiveStorage> for GrantTarget<'a> {
    fn from(storage: &'a ActiveStorage) -> Self {
        Self {
            bucket: &storage.bucket_arn,
            account: &storage.bucket_account_id,
            key: &storage.key_arn,
            prefix: storage.prefix.as_ref(),
        }
    }
}

impl<'a> From<&'a Storage> for GrantTarget<'a> {
    fn from(storage: &'a Storage) -> Self {
        Self {
            bucket: &storage.bucket,
            account: &storage.bucket_account,
            key: &storage.key,
            prefix: storage.prefix.as_ref(),
        }
    }
}

impl Grant {
    /// The session policy: access to this bucket and key only, whatever else the session's role allows.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session>
    ///
    /// A bucket name is free again once its bucket is deleted, so the policy also names the account that owns the bucket:
    /// the session does not work on a bucket that somebody else creates with the same name. A key's ARN has its account.
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-resourceaccount>
    pub fn session_policy<'a>(&self, storage: impl Into<GrantTarget<'a>>, extra: &ExtraActions) -> Value {
        let GrantTarget {
            bucket,
            account,
            key: key_arn,
            prefix: of_storage,
        } = storage.into();
        let of_storage = of_storage.map(StoragePrefix::as_str);
        let prefix = self.prefix.as_ref().map(KeyPrefix::as_str).or(of_storage).unwrap_or_default();
        let actions = |permission| statements::actions_of(permission, self.level, &[], extra);
        let owner = json!({"aws:ResourceAccount": account});
        let mut list = json!({"StringEquals": owner});
        if !prefix.is_empty() {
            list["StringLike"] = json!({"s3:prefix": format!("{prefix}*")});
        }
        let of_owner = json!({"StringEquals": owner});
        let mut statements = vec![
            json!({"Effect": "Allow", "Action": actions(Permission::Objects), "Resource": format!("{bucket}/{prefix}*"), "Condition": of_owner}),
            json!({"Effect": "Allow", "Action": actions(Permission::List), "Resource": bucket, "Condition": list}),
            json!({"Effect": "Allow", "Action": actions(Permission::Key), "Resource": key_arn}),
        ];
        let of_bucket = actions(Permission::Bucket);
        // They are about the whole bucket, which is more than the keys with the prefix.
        if !of_bucket.is_empty() && prefix.is_empty() {
            statements.push(json!({"Effect": "Allow", "Action": of_bucket, "Resource": bucket, "Condition": of_owner}));
        }
        policy(&statements)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::extra_action::ExtraAction;

    fn storage() -> ActiveStorage {
        serde_json::from_value(json!({
            "tenant_id": "01910f5e-8f6a-7cc3-8f5e-2f8a1c9f0b11", "slug": "acme", "version": 1, "mode": "direct", "status": "active",
            "bucket": "acme-documents", "bucket_arn": "arn:aws:s3:::acme-documents", "region": "eu-central-1",
            "key_arn": "arn:aws:kms:eu-central-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab", "role_arn": null,
            "external_id": "lk-0123456789", "vendor_role_arn": null, "bucket_account_id": "222222222222", "prefix": null, "access": "read_write",
            "verified_at": "2026-01-01T00:00:00Z", "stale": false,
        }))
        .unwrap()
    }

    #[test]
    fn a_session_can_only_access_its_bucket_and_key() {
        let policy = Grant::default().session_policy(&storage(), &ExtraActions::default());
        assert_eq!(policy["Statement"][0]["Resource"], "arn:aws:s3:::acme-documents/*");
        assert_eq!(policy["Statement"][1]["Resource"], "arn:aws:s3:::acme-documents");
        assert!(policy["Statement"][1]["Condition"].get("StringLike").is_none());
        assert_eq!(policy["Statement"][2]["Resource"], storage().key_arn.as_str());
    }

    #[test]
    fn read_access_is_less_and_a_prefix_limits_objects_and_lists() {
        let grant = Grant {
            level: AccessLevel::Read,
            prefix: Some(KeyPrefix::parse("invoices/").unwrap()),
            ..Grant::default()
        };
        let policy = grant.session_policy(&storage(), &ExtraActions::default());
        assert_eq!(policy["Statement"][0]["Action"], json!(["s3:GetObject"]));
        assert_eq!(policy["Statement"][0]["Resource"], "arn:aws:s3:::acme-documents/invoices/*");
        assert_eq!(policy["Statement"][1]["Condition"]["StringLike"]["s3:prefix"], "invoices/*");
        assert_eq!(policy["Statement"][2]["Action"], json!(["kms:Decrypt", "kms:DescribeKey"]));
    }

    #[test]
    fn a_session_works_only_on_a_bucket_of_the_verified_owner() {
        for prefix in [None, Some(KeyPrefix::parse("invoices/").unwrap())] {
            for level in [AccessLevel::ReadWrite, AccessLevel::Read] {
                let grant = Grant {
                    level,
                    prefix: prefix.clone(),
                    ..Grant::default()
                };
                let policy = grant.session_policy(&storage(), &ExtraActions::default());
                for statement in 0..2 {
                    let owner = &policy["Statement"][statement]["Condition"]["StringEquals"]["aws:ResourceAccount"];
                    assert_eq!(owner, "222222222222", "{grant:?}");
                }
            }
        }
    }

    #[test]
    fn a_duration_is_one_that_sts_accepts() {
        assert_eq!(SessionDuration::default().seconds(), 3600);
        for good in ["900", "3600"] {
            assert_eq!(SessionDuration::parse(good).unwrap().seconds().to_string(), good);
        }
        for bad in ["", "899", "3601", "-900", "15m", "99999999999"] {
            assert_eq!(SessionDuration::parse(bad).unwrap_err().code, "out_of_range", "{bad:?}");
        }
    }

    #[test]
    fn the_longest_policy_is_within_the_limit_of_sts() {
        let mut storage = storage();
        storage.bucket_arn = format!("arn:aws-us-gov:s3:::{}", "b".repeat(63)).parse().unwrap();
        let grant = Grant {
            prefix: Some(KeyPrefix::parse(&"p".repeat(256)).unwrap()),
            ..Grant::default()
        };
        let mut longest: Vec<ExtraAction> = ExtraAction::all().collect();
        longest.sort_by_key(|action| std::cmp::Reverse(action.name().len()));
        longest.truncate(ExtraActions::MOST);
        let policy = grant.session_policy(&storage, &ExtraActions::new(&longest)).to_string();
        assert!(policy.len() <= 2048, "{}", policy.len());
    }

    #[test]
    fn a_session_may_do_what_the_vendor_asks_for_within_its_access_and_prefix() {
        let asked = [
            "s3:PutObjectTagging",
            "s3:ListBucketVersions",
            "s3:GetBucketLocation",
            "kms:ListGrants",
        ];
        let extra = ExtraActions::new(&asked.map(|name| ExtraAction::parse(name).unwrap()));
        let grant = |level| Grant {
            level,
            prefix: Some(KeyPrefix::parse("invoices/").unwrap()),
            ..Grant::default()
        };
        let actions = |level| {
            let policy = grant(level).session_policy(&storage(), &extra);
            let statements = policy["Statement"].as_array().unwrap().clone();
            statements
                .into_iter()
                .map(|statement| statement["Action"].clone())
                .collect::<Vec<_>>()
        };
        let of_reader = json!([
            ["s3:GetObject"],
            ["s3:ListBucket", "s3:ListBucketVersions"],
            ["kms:Decrypt", "kms:DescribeKey", "kms:ListGrants"],
        ]);
        assert_eq!(json!(actions(AccessLevel::Read)), of_reader);
        assert!(
            actions(AccessLevel::ReadWrite)[0]
                .as_array()
                .unwrap()
                .contains(&json!("s3:PutObjectTagging"))
        );
        let policy = grant(AccessLevel::Read).session_policy(&storage(), &extra);
        assert_eq!(policy["Statement"][1]["Condition"]["StringLike"]["s3:prefix"], "invoices/*");
        let policy = Grant::default().session_policy(&storage(), &extra);
        assert_eq!(policy["Statement"][3]["Action"], json!(["s3:GetBucketLocation"]));
        assert_eq!(
            policy["Statement"][3]["Condition"]["StringEquals"]["aws:ResourceAccount"],
            "222222222222"
        );
    }
}
