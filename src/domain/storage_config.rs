//! Storage configs: what a customer submitted. Immutable; a resubmission is a new version.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoStaticStr};
use utoipa::ToSchema;

use super::account::AccountId;
use super::arn::{BucketArn, KeyArn, RoleArn};
use super::ids::{StorageConfigId, TenantId};
use super::region::Region;

/// How the vendor reaches the bucket.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Display, EnumIter, EnumString, IntoStaticStr, ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Mode {
    /// The vendor's own role is named in the customer's policies, bound to the tenant by a session tag.
    Direct,
    /// A role in the customer's account is assumed, bound to the tenant by `sts:ExternalId`.
    AssumeRole,
}

/// Who touches the bucket: the one thing in which the modes differ.
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

/// Where a tenant's documents live and how to get there: every field checked, on its own and against the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Storage {
    pub access: Access,
    pub bucket: BucketArn,
    /// Of the bucket and of the key: they have to be the same.
    pub region: Region,
    pub key: KeyArn,
    /// The account that owns the bucket: as the customer named it, or else the role's or the key's.
    pub bucket_account: AccountId,
}

impl Storage {
    pub fn mode(&self) -> Mode {
        self.access.mode()
    }
}

/// One version of a tenant's storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageConfig {
    pub id: StorageConfigId,
    pub tenant_id: TenantId,
    /// Counts from 1 within the tenant.
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
