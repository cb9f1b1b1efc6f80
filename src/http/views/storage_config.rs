//! API representation of storage configs.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::access_level::AccessLevel;
use crate::domain::account::AccountId;
use crate::domain::arn::{BucketArn, KeyArn, RoleArn};
use crate::domain::ids::{StorageConfigId, TenantId};
use crate::domain::key_prefix::StoragePrefix;
use crate::domain::region::Region;
use crate::domain::storage_config::{Mode, StorageConfig};

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StorageConfig)]
pub(crate) struct StorageConfigView {
    pub id: StorageConfigId,
    pub tenant_id: TenantId,
    pub version: i32,
    pub mode: Mode,
    pub bucket_arn: BucketArn,
    pub bucket_region: Region,
    pub bucket_account_id: AccountId,
    pub key_arn: KeyArn,
    pub role_arn: Option<RoleArn>,
    /// The keys of all objects start with it. Null if the whole bucket is used.
    pub prefix: Option<StoragePrefix>,
    pub access: AccessLevel,
    /// `read`: the key of the object with which verifications prove that it can be read. Null: they choose one.
    pub sample_object: Option<String>,
    pub created_at: DateTime<Utc>,
}

impl From<StorageConfig> for StorageConfigView {
    fn from(config: StorageConfig) -> Self {
        let storage = config.storage;
        Self {
            id: config.id,
            tenant_id: config.tenant_id,
            version: config.version,
            mode: storage.mode(),
            role_arn: storage.access.client_role().cloned(),
            bucket_arn: storage.bucket,
            bucket_region: storage.region,
            bucket_account_id: storage.bucket_account,
            key_arn: storage.key,
            prefix: storage.prefix,
            access: storage.level,
            sample_object: storage.sample_object,
            created_at: config.created_at,
        }
    }
}
