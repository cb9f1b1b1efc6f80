//! `GET /internal/v1/tenants/{tenant}/storage-config`

use axum::extract::State as Extract;
use axum::http::HeaderMap;
use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::account::AccountId;
use crate::domain::arn::{BucketArn, BucketName, KeyArn, RoleArn};
use crate::domain::external_id::ExternalId;
use crate::domain::ids::{Slug, TenantId};
use crate::domain::region::Region;
use crate::domain::storage_config::Mode;
use crate::domain::tenant::{Tenant, TenantStatus};
use crate::http::State;
use crate::http::auth::StorageReader;
use crate::http::etag::Tagged;
use crate::http::extract::TenantPath;
use crate::http::problem::{self, Kind, Problem};
use crate::service::read::{StorageError, active_storage};
use crate::store;
use crate::store::active_configs::Active;

/// Where a tenant's documents live, and how to get there.
#[derive(Debug, Serialize, ToSchema)]
pub struct ActiveStorage {
    tenant_id: TenantId,
    slug: Slug,
    version: i32,
    mode: Mode,
    /// `active`, or `degraded` when its verifications are rejected now.
    status: TenantStatus,
    bucket: BucketName,
    bucket_arn: BucketArn,
    region: Region,
    key_arn: KeyArn,
    /// The customer's role, in the mode `assume_role`.
    role_arn: Option<RoleArn>,
    /// To be given as `sts:ExternalId`, or as the session tag `latchkey-external-id` in the mode `direct`.
    external_id: ExternalId,
    /// The vendor's role of the mode; null when the mode is no longer offered.
    vendor_role_arn: Option<RoleArn>,
    /// To be sent as `x-amz-expected-bucket-owner`.
    bucket_account_id: AccountId,
    verified_at: DateTime<Utc>,
}

impl ActiveStorage {
    fn of(state: &State, tenant: Tenant, active: Active) -> Self {
        let storage = active.config.storage;
        Self {
            tenant_id: tenant.id,
            status: tenant.status(),
            version: active.config.version,
            mode: storage.mode(),
            vendor_role_arn: state.context.vendor.role(storage.mode()).cloned(),
            role_arn: storage.access.client_role().cloned(),
            bucket: storage.bucket.name().clone(),
            bucket_arn: storage.bucket,
            region: storage.region,
            key_arn: storage.key,
            external_id: tenant.external_id,
            bucket_account_id: storage.bucket_account,
            slug: tenant.slug,
            verified_at: active.verified_at,
        }
    }
}

impl From<StorageError> for Problem {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::NothingActive => Self::new(
                Kind::NotFound,
                "There is no tenant of this id or slug, or it has no verified storage yet.",
            ),
            StorageError::Suspended => Self::new(Kind::Suspended, "This tenant was switched off by operations."),
            StorageError::Offboarded => Self::new(Kind::Offboarded, "This tenant has ended."),
            StorageError::Store(error) => store::Error::into(error),
        }
    }
}

/// Look up a tenant's storage
#[utoipa::path(
    get, path = "/internal/v1/tenants/{tenant}/storage-config", tag = "internal",
    params(
        ("tenant" = String, Path, description = "Id or slug"),
        ("if-none-match" = Option<String>, Header, description = "The etag of an answer that is at hand"),
    ),
    responses(
        (status = 200, body = ActiveStorage, headers(("etag", description = "Changes with every byte of the answer"))),
        (status = 304, description = "The answer at hand is still right"),
        (status = "4XX", body = problem::Body, content_type = "application/problem+json"),
    )
)]
pub async fn handle(
    Extract(state): Extract<State>,
    _reader: StorageReader,
    TenantPath(tenant): TenantPath,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (tenant, active) = active_storage(&state.context, &tenant).await?;
    let answer = ActiveStorage::of(&state, tenant, active);
    Ok(Tagged::of(&answer)?.answer(&headers))
}
