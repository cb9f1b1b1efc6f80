//! The schema of an active storage config. The read model serves it as JSON that was serialized in advance.

use chrono::{DateTime, Utc};
use utoipa::ToSchema;

use crate::domain::access_level::AccessLevel;
use crate::domain::account::AccountId;
use crate::domain::arn::{BucketArn, BucketName, KeyArn, RoleArn};
use crate::domain::external_id::ExternalId;
use crate::domain::ids::{Slug, TenantId};
use crate::domain::key_prefix::StoragePrefix;
use crate::domain::region::Region;
use crate::domain::storage_config::Mode;
use crate::domain::tenant::TenantStatus;

/// A tenant's bucket and key, and how to access them.
#[derive(ToSchema)]
#[schema(as = ActiveStorage)]
#[allow(dead_code, reason = "it describes JSON that the read model serializes")]
pub(crate) struct ActiveStorageSchema {
    tenant_id: TenantId,
    slug: Slug,
    version: i32,
    mode: Mode,
    /// `active`, or `degraded` if its latest verifications were rejected.
    status: TenantStatus,
    bucket: BucketName,
    bucket_arn: BucketArn,
    /// The keys of all objects start with it. Null if the whole bucket is used.
    prefix: Option<StoragePrefix>,
    access: AccessLevel,
    region: Region,
    key_arn: KeyArn,
    /// The customer's role in the mode `assume_role`, otherwise null.
    role_arn: Option<RoleArn>,
    /// Send it as `sts:ExternalId` or, in the mode `direct`, as the session tag `latchkey-external-id`.
    external_id: ExternalId,
    /// The vendor's role for this mode. Null if the mode is no longer offered.
    vendor_role_arn: Option<RoleArn>,
    /// Send it as `x-amz-expected-bucket-owner`.
    bucket_account_id: AccountId,
    verified_at: DateTime<Utc>,
    /// The database is unavailable; this is the last known state.
    stale: bool,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::{Value, json};
    use utoipa::PartialSchema;

    use super::*;
    use crate::domain::active_storage::ActiveStorage;

    #[test]
    fn the_schema_has_the_fields_that_are_served() {
        let storage: ActiveStorage = serde_json::from_value(json!({
            "tenant_id": "01910f5e-8f6a-7cc3-8f5e-2f8a1c9f0b11",
            "slug": "acme",
            "version": 1,
            "mode": "assume_role",
            "status": "active",
            "bucket": "my-bucket",
            "bucket_arn": "arn:aws:s3:::my-bucket",
            "prefix": "documents/",
            "access": "read_write",
            "region": "eu-central-1",
            "key_arn": "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
            "role_arn": "arn:aws:iam::123456789012:role/my-role",
            "external_id": "lk-3f1c9a5e7b2d4860a1b2c3d4e5f60718293a4b5c",
            "vendor_role_arn": "arn:aws:iam::123456789012:role/vendor",
            "bucket_account_id": "123456789012",
            "verified_at": "2026-01-01T00:00:00Z",
            "stale": false,
        }))
        .unwrap();
        let fields = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
        let served = serde_json::to_value(storage).unwrap();
        let described = serde_json::to_value(ActiveStorageSchema::schema()).unwrap();
        assert_eq!(fields(&served), fields(&described["properties"]));
    }
}
