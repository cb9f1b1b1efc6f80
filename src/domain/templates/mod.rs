//! Templates: the documents that a customer applies. Pure functions: the same input gives the same bytes.
//!
//! The statements are written once, in [`statements`]. Each format renders them in its own way:
//!
//! ```
//! use latchkey::domain::arn::{BucketName, RoleArn};
//! use latchkey::domain::external_id::ExternalId;
//! use latchkey::domain::storage_config::Mode;
//! use latchkey::domain::templates::format::TemplateFormat;
//! use latchkey::domain::templates::{Parties, TemplateParams, json};
//!
//! let params = TemplateParams {
//!     bucket: Some(BucketName::parse("my-bucket").unwrap()),
//!     ..TemplateParams::empty(
//!         Mode::AssumeRole,
//!         RoleArn::parse("arn:aws:iam::111111111111:role/storage").unwrap(),
//!         vec![ExternalId::from_random([7; 20])],
//!     )
//! };
//! let documents = json::documents(&params).documents;
//! let trust_policy = &documents[0].body["Statement"][0];
//! assert_eq!(trust_policy["Condition"]["StringEquals"]["sts:ExternalId"], params.external_ids[0].as_str());
//!
//! let parties = Parties { vendor: "Nimbus Docs", tenant: "Acme" };
//! let terraform = TemplateFormat::Terraform.file(&params, parties).unwrap().unwrap();
//! assert!(terraform.text.contains("my-bucket"));
//! ```

pub mod cli;
pub mod cloudformation;
pub mod creation;
pub mod format;
mod hcl;
pub mod json;
mod lists;
pub mod merge;
pub mod network;
mod placeholders;
pub(crate) mod policy_eval;
pub mod removal;
pub mod samples;
pub(crate) mod session_revocation;
pub mod sid;
pub mod statements;
pub mod terraform;
#[cfg(test)]
mod tests;
pub mod vendor;
mod yaml;

use super::access_level::AccessLevel;
use super::account::AccountId;
use super::arn::{BucketArn, BucketName, KeyArn, RoleArn, RoleName};
use super::external_id::ExternalId;
use super::extra_action::ExtraActions;
use super::key_prefix::StoragePrefix;
use super::partition::Partition;
use super::storage_config::{Mode, Storage};
use super::vendor_network::VendorNetwork;
use creation::Creation;
use sid::SidSuffix;

/// The parameters of the documents. Missing values become placeholders that AWS rejects, such as `<BUCKET>`.
#[derive(Debug, Clone)]
pub struct TemplateParams {
    pub mode: Mode,
    pub partition: Partition,
    /// The vendor's role of the mode.
    pub vendor_role: RoleArn,
    /// One ID, or two during a rotation.
    pub external_ids: Vec<ExternalId>,
    pub bucket: Option<BucketName>,
    pub key: Option<KeyArn>,
    pub role: Option<RoleArn>,
    pub role_name: Option<RoleName>,
    pub account: Option<AccountId>,
    /// The account of the bucket.
    pub bucket_account: Option<AccountId>,
    /// Of all objects. None: the whole bucket.
    pub prefix: Option<StoragePrefix>,
    pub level: AccessLevel,
    /// Whether to grant the reads of the advisory checks.
    pub posture: bool,
    /// What the vendor asks for beyond what Latchkey needs.
    pub extra: ExtraActions,
    /// The number of these documents, if it is known.
    pub version: Option<i32>,
    /// The end of every Sid. None for documents that are nobody's.
    pub sid_suffix: Option<SidSuffix>,
    /// The only network that the vendor's calls may come from.
    pub network: Option<VendorNetwork>,
    /// What the resources get that the documents create.
    pub creation: Creation,
}

/// The names in the files.
#[derive(Debug, Clone, Copy)]
pub struct Parties<'a> {
    /// The vendor's name.
    pub vendor: &'a str,
    /// The tenant's name.
    pub tenant: &'a str,
}

impl Parties<'_> {
    fn title(self) -> String {
        format!(
            "Lets {} store the documents of {} in a bucket in this account, encrypted with a key in this account.",
            self.vendor, self.tenant
        )
    }
}

impl TemplateParams {
    /// Without any of the customer's values.
    pub fn empty(mode: Mode, vendor_role: RoleArn, external_ids: Vec<ExternalId>) -> Self {
        Self {
            mode,
            partition: vendor_role.partition(),
            vendor_role,
            external_ids,
            bucket: None,
            key: None,
            role: None,
            role_name: None,
            account: None,
            bucket_account: None,
            prefix: None,
            level: AccessLevel::default(),
            posture: false,
            extra: ExtraActions::default(),
            version: None,
            sid_suffix: None,
            network: None,
            creation: Creation::default(),
        }
    }

    /// With all values of a submitted storage config.
    pub fn of_storage(storage: &Storage, vendor_role: RoleArn, external_ids: Vec<ExternalId>) -> Self {
        let role = storage.access.client_role();
        Self {
            bucket: Some(storage.bucket.name().clone()),
            key: Some(storage.key.clone()),
            role_name: role.map(|role| role.name().clone()),
            account: role.map(|role| role.account().clone()),
            role: role.cloned(),
            bucket_account: Some(storage.bucket_account.clone()),
            prefix: storage.prefix.clone(),
            level: storage.level,
            ..Self::empty(storage.mode(), vendor_role, external_ids)
        }
    }

    /// `assume_role`: whether the bucket is in another account than the role. Then the role's permissions and the bucket policy must
    /// both allow a call.
    pub(crate) fn bucket_is_elsewhere(&self) -> bool {
        let role = self.role.as_ref().map(RoleArn::account);
        role.zip(self.bucket_account.as_ref()).is_some_and(|(role, bucket)| role != bucket)
    }

    /// The tenant's Sid of a statement.
    pub(crate) fn sid(&self, of: &str) -> String {
        self.sid_suffix.map_or_else(|| of.to_owned(), |suffix| suffix.append_to(of))
    }

    fn bucket_arn(&self) -> String {
        self.bucket.as_ref().map_or_else(
            || format!("arn:{}:s3:::<BUCKET>", self.partition),
            |bucket| BucketArn::of(self.partition, bucket.clone()).to_string(),
        )
    }

    /// The pattern of every key with the prefix.
    fn keys(&self) -> String {
        format!("{}*", self.prefix.as_ref().map_or("", StoragePrefix::as_str))
    }

    /// The ARN of every object with the prefix.
    fn objects_arn(&self) -> String {
        format!("{}/{}", self.bucket_arn(), self.keys())
    }

    fn bucket_name(&self) -> &str {
        self.bucket.as_ref().map_or("<BUCKET>", BucketName::as_str)
    }

    fn key_arn(&self) -> &str {
        self.key.as_ref().map_or("<KEY_ARN>", KeyArn::as_str)
    }

    fn role_name(&self) -> &str {
        self.role_name.as_ref().map_or("<ROLE_NAME>", RoleName::as_str)
    }

    /// `assume_role`: the account of the customer's role.
    pub(super) fn role_account(&self) -> Option<&AccountId> {
        let known = self.role.as_ref().map(RoleArn::account).or(self.account.as_ref());
        known.filter(|_| self.mode == Mode::AssumeRole)
    }

    /// Where the bucket's documents are applied. The bucket is in the account of the role or the key, unless another one is known.
    fn account_of_bucket(&self) -> Option<&AccountId> {
        let role_or_key = match self.mode {
            Mode::AssumeRole => self.role_account(),
            Mode::Direct => self.key.as_ref().map(KeyArn::account),
        };
        self.bucket_account.as_ref().or(role_or_key)
    }

    /// The account that administers the key: the key's own, or the one that a new key will be in.
    fn key_account(&self) -> Option<&AccountId> {
        self.key.as_ref().map(KeyArn::account).or(self.account.as_ref())
    }

    fn role_arn(&self) -> String {
        self.role.as_ref().map_or_else(
            || {
                let account = self.account.as_ref().map_or("<ACCOUNT_ID>", AccountId::as_str);
                let path = self.creation.role_path.as_str();
                format!("arn:{}:iam::{account}:role{path}{}", self.partition, self.role_name())
            },
            RoleArn::to_string,
        )
    }
}
