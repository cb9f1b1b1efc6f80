//! A tenant as internal services see it, already serialized. A process holds up to a million of these, so an entry has only
//! two allocations: itself with its slug inline, and the body.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

use crate::domain::access_level::AccessLevel;
use crate::domain::active_storage::ActiveStorage;
use crate::domain::feed::FeedCursor;
use crate::domain::ids::{Slug, TenantId};
use crate::domain::tenant::TenantStatus;
use crate::domain::vendor::Vendor;
use crate::store::config_changes::ConfigChange;

/// A tenant as of its last change.
#[derive(Debug)]
pub struct TenantEntry {
    pub tenant: TenantId,
    pub slug: Slug,
    /// The change's cursor in the feed.
    pub cursor: FeedCursor,
    pub changed_at: DateTime<Utc>,
    pub state: ServingState,
}

/// What internal services get for a tenant.
#[derive(Debug)]
pub enum ServingState {
    Active(ConfigDocument),
    Suspended,
    Offboarded,
    /// The active version has lost its isolation or its ownership.
    Quarantined,
    /// No version is active.
    Nothing,
}

/// An active storage config, serialized.
#[derive(Debug)]
pub struct ConfigDocument {
    /// The JSON of a fresh answer.
    body: Box<[u8]>,
    digest: [u8; 16],
    session_inputs: u64,
    access: AccessLevel,
}

/// A tenant that has an active storage config.
#[derive(Debug, Clone)]
pub struct ActiveEntry(Arc<TenantEntry>);

impl TenantEntry {
    pub(crate) fn new(change: ConfigChange, vendor: &Vendor) -> Self {
        let state = match (change.facts.status(), change.active) {
            (TenantStatus::Offboarded, _) => ServingState::Offboarded,
            (TenantStatus::Suspended, _) => ServingState::Suspended,
            (TenantStatus::Quarantined, _) => ServingState::Quarantined,
            (_, None) => ServingState::Nothing,
            (status, Some(active)) => {
                let submitted = active.config.storage;
                let storage = ActiveStorage {
                    tenant_id: change.tenant_id,
                    slug: change.slug.clone(),
                    version: active.config.version,
                    mode: submitted.mode(),
                    status,
                    vendor_role_arn: vendor.role(submitted.mode()).cloned(),
                    role_arn: submitted.access.client_role().cloned(),
                    bucket: submitted.bucket.name().clone(),
                    bucket_arn: submitted.bucket,
                    region: submitted.region,
                    key_arn: submitted.key,
                    external_id: change.external_id,
                    bucket_account_id: submitted.bucket_account,
                    prefix: submitted.prefix,
                    access: submitted.level,
                    verified_at: active.verified_at,
                    stale: false,
                };
                ServingState::Active(ConfigDocument::new(&storage, change.sessions_revoked_at))
            }
        };
        Self {
            tenant: change.tenant_id,
            slug: change.slug,
            cursor: change.cursor,
            changed_at: change.changed_at,
            state,
        }
    }
}

impl ConfigDocument {
    fn new(storage: &ActiveStorage, sessions_revoked_at: Option<DateTime<Utc>>) -> Self {
        let body = to_json(storage);
        let digest: [u8; 32] = Sha256::digest(&body).into();
        Self {
            digest: std::array::from_fn(|at| digest[at]),
            session_inputs: session_inputs(storage, sessions_revoked_at),
            access: storage.access,
            // Drops the buffer's excess capacity.
            body: body.into_boxed_slice(),
        }
    }

    /// The JSON, marked if it may be out of date. Only a stale answer is serialized again.
    pub fn json(&self, stale: bool) -> Cow<'_, [u8]> {
        if stale {
            to_json(&ActiveStorage { stale, ..self.read() }).into()
        } else {
            Cow::Borrowed(&self.body)
        }
    }

    /// A strong ETag: it changes with every byte of the body.
    pub fn etag(&self, stale: bool) -> String {
        let mut digits = [0; 32];
        hex::encode_to_slice(self.digest, &mut digits).expect("two digits for each byte");
        let digits = std::str::from_utf8(&digits).unwrap_or_default();
        ["\"", digits, if stale { "-stale\"" } else { "\"" }].concat()
    }

    pub fn access(&self) -> AccessLevel {
        self.access
    }

    /// Identifies everything that a session for the tenant's documents depends on: two documents with the same value can
    /// share credentials.
    pub fn session_inputs(&self) -> u64 {
        self.session_inputs
    }

    pub fn read(&self) -> ActiveStorage {
        serde_json::from_slice(&self.body).expect("the body was serialized from this type")
    }
}

fn to_json(storage: &ActiveStorage) -> Vec<u8> {
    serde_json::to_vec(storage).expect("strings, numbers and times can be serialized")
}

/// After a revocation, earlier sessions belong to other inputs, so they are not found any more.
fn session_inputs(storage: &ActiveStorage, sessions_revoked_at: Option<DateTime<Utc>>) -> u64 {
    let inputs = serde_json::json!([
        storage.mode,
        storage.bucket_arn,
        storage.bucket_account_id,
        storage.region,
        storage.key_arn,
        storage.role_arn,
        storage.external_id,
        storage.vendor_role_arn,
        storage.prefix,
        storage.access,
        sessions_revoked_at,
    ]);
    let digest: [u8; 32] = Sha256::digest(inputs.to_string()).into();
    u64::from_be_bytes(std::array::from_fn(|at| digest[at]))
}

impl ActiveEntry {
    /// None when the tenant has no active storage config.
    pub fn new(entry: Arc<TenantEntry>) -> Option<Self> {
        matches!(entry.state, ServingState::Active(_)).then_some(Self(entry))
    }

    pub fn tenant(&self) -> TenantId {
        self.0.tenant
    }

    pub fn document(&self) -> &ConfigDocument {
        match &self.0.state {
            ServingState::Active(document) => document,
            _ => unreachable!("an entry is immutable, and `new` accepts active ones only"),
        }
    }

    /// The document's JSON. A fresh answer is not copied.
    pub fn body(&self, stale: bool) -> Bytes {
        match self.document().json(stale) {
            Cow::Borrowed(_) => Bytes::from_owner(self.clone()),
            Cow::Owned(json) => json.into(),
        }
    }
}

impl AsRef<[u8]> for ActiveEntry {
    fn as_ref(&self) -> &[u8] {
        &self.document().body
    }
}
