//! A tenant's storage as internal services see it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::account::AccountId;
use super::arn::{BucketArn, BucketName, KeyArn, RoleArn};
use super::external_id::ExternalId;
use super::ids::{Slug, TenantId};
use super::region::Region;
use super::storage_config::Mode;
use super::tenant::TenantStatus;

/// Where a tenant's documents live, and how to get there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ActiveStorage {
    pub tenant_id: TenantId,
    pub slug: Slug,
    pub version: i32,
    pub mode: Mode,
    /// `active`, or `degraded` when its verifications are rejected now.
    pub status: TenantStatus,
    pub bucket: BucketName,
    pub bucket_arn: BucketArn,
    pub region: Region,
    pub key_arn: KeyArn,
    /// The customer's role, in the mode `assume_role`.
    pub role_arn: Option<RoleArn>,
    /// To be given as `sts:ExternalId`, or as the session tag `latchkey-external-id` in the mode `direct`.
    pub external_id: ExternalId,
    /// The vendor's role of the mode; null when the mode is no longer offered.
    pub vendor_role_arn: Option<RoleArn>,
    /// To be sent as `x-amz-expected-bucket-owner`.
    pub bucket_account_id: AccountId,
    pub verified_at: DateTime<Utc>,
    /// The database does not answer: this is what was known last.
    pub stale: bool,
}
