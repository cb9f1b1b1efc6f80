//! Storage configs: what a customer submitted. They are immutable; each submission creates a new version.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

use super::access_level::AccessLevel;
use super::account::AccountId;
use super::arn::{BucketArn, KeyArn, RoleArn};
use super::ids::{StorageConfigId, TenantId};
use super::key_prefix::StoragePrefix;
use super::region::Region;
use super::verification::PROBE_PREFIX;

/// How the vendor accesses the bucket.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Display, EnumIter, EnumString, IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Mode {
    /// The customer's policies name the vendor's own role and require a session tag with the external ID.
    Direct,
    /// The vendor assumes a role in the customer's account, whose trust policy requires `sts:ExternalId`.
    AssumeRole,
}

/// The role that accesses the bucket, which is the only difference between the modes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    Direct,
    AssumeRole { role: RoleArn },
}

impl Access {
    pub fn mode(&self) -> Mode {
        match self {
            Self::Direct => Mode::Direct,
            Self::AssumeRole { .. } => Mode::AssumeRole,
        }
    }

    pub fn client_role(&self) -> Option<&RoleArn> {
        match self {
            Self::Direct => None,
            Self::AssumeRole { role } => Some(role),
        }
    }
}

/// A tenant's bucket and key, and how to access them. All fields are validated, individually and against each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Storage {
    pub access: Access,
    pub bucket: BucketArn,
    /// The region of both the bucket and the key.
    pub region: Region,
    pub key: KeyArn,
    /// The account that owns the bucket. Defaults to the account of the role or key.
    pub bucket_account: AccountId,
    /// Of all objects. Without it, the vendor uses the whole bucket.
    pub prefix: Option<StoragePrefix>,
    pub level: AccessLevel,
    /// `read`: an object with which a verification proves that the vendor can read. Without it, the verification chooses one.
    pub sample_object: Option<String>,
}

impl Storage {
    /// The ARN of the bucket, a slash, and the prefix. The keys of two configs overlap if one location starts with the other.
    pub fn location(&self) -> String {
        format!("{}/{}", self.bucket, self.prefix.as_ref().map_or("", StoragePrefix::as_str))
    }

    /// For people: the bucket's name, followed by the prefix.
    pub fn bucket_and_prefix(&self) -> String {
        let bucket = self.bucket.name();
        self.prefix
            .as_ref()
            .map_or_else(|| bucket.to_string(), |prefix| format!("{bucket}/{prefix}"))
    }

    /// The key prefix of the probe objects.
    pub fn probe_prefix(&self) -> String {
        let prefix = self.prefix.as_ref().map_or("", StoragePrefix::as_str);
        format!("{prefix}{PROBE_PREFIX}")
    }

    pub fn mode(&self) -> Mode {
        self.access.mode()
    }

    /// The account that owns the bucket if none is submitted: the role's or, without a role, the key's.
    pub fn default_bucket_account(&self) -> &AccountId {
        self.access.client_role().map_or_else(|| self.key.account(), RoleArn::account)
    }
}

/// One version of a tenant's storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageConfig {
    pub id: StorageConfigId,
    pub tenant_id: TenantId,
    /// Starts at 1 for each tenant.
    pub version: i32,
    pub storage: Storage,
    pub created_at: DateTime<Utc>,
}

/// The active version of a tenant.
#[derive(Debug, Clone)]
pub struct ActiveConfig {
    pub config: StorageConfig,
    /// When it was last verified.
    pub verified_at: DateTime<Utc>,
}
