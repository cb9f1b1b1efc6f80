//! What is known of one tenant, ready to be sent. A million of them are held, so each is two allocations: itself, with its slug
//! in it, and the body.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

use crate::domain::active_storage::ActiveStorage;
use crate::domain::ids::{Slug, TenantId};
use crate::domain::tenant::TenantStatus;
use crate::domain::vendor::Vendor;
use crate::store::config_changes::ConfigChange;

/// How every body ends, but for those of stale answers.
const FRESH: &[u8] = b"false}";
const STALE: &[u8] = b"true}";

/// A tenant as of its last change.
#[derive(Debug)]
pub struct TenantEntry {
    pub tenant: TenantId,
    pub slug: Slug,
    pub position: i64,
    pub changed_at: DateTime<Utc>,
    pub standing: ServingState,
}

/// What internal services get of a tenant.
#[derive(Debug)]
pub enum ServingState {
    Active(ConfigDocument),
    Suspended,
    Offboarded,
    /// Nothing was ever active, or it no longer is.
    Nothing,
}

/// A storage config as it is sent.
#[derive(Debug)]
pub struct ConfigDocument {
    body: Box<[u8]>,
    digest: [u8; 16],
}

/// A tenant with something active.
#[derive(Debug, Clone)]
pub struct ActiveEntry(Arc<TenantEntry>);

impl TenantEntry {
    pub fn of(change: ConfigChange, vendor: &Vendor) -> Self {
        let standing = match (change.facts.status(), change.active) {
            (TenantStatus::Offboarded, _) => ServingState::Offboarded,
            (TenantStatus::Suspended, _) => ServingState::Suspended,
            (_, None) => ServingState::Nothing,
            (status, Some(active)) => {
                let storage = active.config.storage;
                ServingState::Active(ConfigDocument::of(&ActiveStorage {
                    tenant_id: change.tenant_id,
                    slug: change.slug.clone(),
                    version: active.config.version,
                    mode: storage.mode(),
                    status,
                    vendor_role_arn: vendor.role(storage.mode()).cloned(),
                    role_arn: storage.access.client_role().cloned(),
                    bucket: storage.bucket.name().clone(),
                    bucket_arn: storage.bucket,
                    region: storage.region,
                    key_arn: storage.key,
                    external_id: change.external_id,
                    bucket_account_id: storage.bucket_account,
                    verified_at: active.verified_at,
                    stale: false,
                }))
            }
        };
        Self {
            tenant: change.tenant_id,
            slug: change.slug,
            position: change.position,
            changed_at: change.changed_at,
            standing,
        }
    }
}

impl ConfigDocument {
    fn of(storage: &ActiveStorage) -> Self {
        let body = serde_json::to_vec(storage).expect("text, numbers and times can be written");
        debug_assert!(body.ends_with(FRESH), "the mark of stale answers stands last");
        let digest: [u8; 32] = Sha256::digest(&body).into();
        let digest = std::array::from_fn(|at| digest[at]);
        // Without the room that the buffer grew beyond what it holds.
        let body = body.into_boxed_slice();
        Self { body, digest }
    }

    /// The JSON, marked when it may be out of date.
    pub fn text(&self, stale: bool) -> Cow<'_, [u8]> {
        if stale {
            let kept = self.body.strip_suffix(FRESH).unwrap_or_default();
            return [kept, STALE].concat().into();
        }
        Cow::Borrowed(&self.body)
    }

    /// A strong one: it changes with every byte of the body.
    pub fn etag(&self, stale: bool) -> String {
        let mut digits = [0; 32];
        hex::encode_to_slice(self.digest, &mut digits).expect("two digits for each byte");
        let digits = std::str::from_utf8(&digits).unwrap_or_default();
        ["\"", digits, if stale { "-stale\"" } else { "\"" }].concat()
    }

    pub fn read(&self) -> ActiveStorage {
        serde_json::from_slice(&self.body).expect("it was written from one")
    }
}

impl ActiveEntry {
    /// None when nothing is.
    pub fn of(entry: Arc<TenantEntry>) -> Option<Self> {
        matches!(entry.standing, ServingState::Active(_)).then_some(Self(entry))
    }

    pub fn tenant(&self) -> TenantId {
        self.0.tenant
    }

    pub fn document(&self) -> &ConfigDocument {
        match &self.0.standing {
            ServingState::Active(document) => document,
            _ => unreachable!("an entry never changes, and this one has something active"),
        }
    }

    /// The document's text, not copied while it is fresh.
    pub fn body(&self, stale: bool) -> Bytes {
        match self.document().text(stale) {
            Cow::Borrowed(_) => Bytes::from_owner(self.clone()),
            Cow::Owned(text) => text.into(),
        }
    }

    /// Nothing has changed between the two.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl AsRef<[u8]> for ActiveEntry {
    fn as_ref(&self) -> &[u8] {
        &self.document().body
    }
}
