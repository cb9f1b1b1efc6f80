//! A tenant's storage as internal services see it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::access_level::AccessLevel;
use super::account::AccountId;
use super::arn::{BucketArn, BucketName, KeyArn, RoleArn};
use super::external_id::ExternalId;
use super::ids::{Slug, TenantId};
use super::key_prefix::StoragePrefix;
use super::region::Region;
use super::storage_config::Mode;
use super::tenant::TenantStatus;

/// A tenant's bucket and key, and how to access them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActiveStorage {
    pub tenant_id: TenantId,
    pub slug: Slug,
    pub version: i32,
    pub mode: Mode,
    /// `active`, or `degraded` if its latest verifications were rejected.
    pub status: TenantStatus,
    pub bucket: BucketName,
    pub bucket_arn: BucketArn,
    /// The keys of all objects start with it. Null if the whole bucket is used.
    pub prefix: Option<StoragePrefix>,
    pub access: AccessLevel,
    pub region: Region,
    pub key_arn: KeyArn,
    /// The customer's role in the mode `assume_role`, otherwise null.
    pub role_arn: Option<RoleArn>,
    /// Send it as `sts:ExternalId` or, in the mode `direct`, as the session tag `latchkey-external-id`.
    pub external_id: ExternalId,
    /// The vendor's role for this mode. Null if the mode is no longer offered.
    pub vendor_role_arn: Option<RoleArn>,
    /// Send it as `x-amz-expected-bucket-owner`.
    pub bucket_account_id: AccountId,
    pub verified_at: DateTime<Utc>,
    /// The database is unavailable; this is the last known state.
    pub stale: bool,
}
