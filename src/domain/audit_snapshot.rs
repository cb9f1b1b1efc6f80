//! What the audit log keeps of the state of things, before and after a change: what was decided about them, and never a secret.

use serde_json::{Value, json};

use super::invite::Invite;
use super::storage_config::StorageConfig;
use super::tenant::{Rotation, Tenant};
use super::token::Token;
use super::webhook::Webhook;

pub trait AuditSnapshot {
    fn recorded(&self) -> Value;
}

impl AuditSnapshot for Tenant {
    fn recorded(&self) -> Value {
        let (next, previous) = match &self.rotation {
            None => (None, None),
            Some(Rotation::Issued { next }) => (Some(next), None),
            Some(Rotation::Overlap { previous } | Rotation::Ending { previous }) => (None, Some(previous)),
        };
        json!({
            "slug": self.slug,
            "name": self.name,
            "reference": self.reference,
            "modes": self.modes,
            "status": self.status(),
            "external_id": self.external_id,
            "next_external_id": next,
            "previous_external_id": previous,
            "previous_accepted": matches!(self.rotation, Some(Rotation::Overlap { .. })),
        })
    }
}

impl AuditSnapshot for StorageConfig {
    fn recorded(&self) -> Value {
        let storage = &self.storage;
        json!({
            "version": self.version,
            "mode": storage.mode(),
            "bucket_arn": storage.bucket,
            "region": storage.region,
            "key_arn": storage.key,
            "role_arn": storage.access.client_role(),
            "bucket_account_id": storage.bucket_account,
        })
    }
}

impl AuditSnapshot for Token {
    fn recorded(&self) -> Value {
        json!({
            "name": self.name,
            "role": self.role,
            "expires_at": self.expires_at,
            "revoked_at": self.revoked_at,
            "tenants": self.tenants,
        })
    }
}

impl AuditSnapshot for Invite {
    fn recorded(&self) -> Value {
        json!({"expires_at": self.expires_at, "revoked_at": self.revoked_at})
    }
}

/// Of its URL the origin alone: the rest may hold a secret of its receiver's.
impl AuditSnapshot for Webhook {
    fn recorded(&self) -> Value {
        json!({
            "origin": self.url.origin(),
            "events": self.topics,
            "description": self.description,
            "disabled_at": self.disabled_at,
            "secret_generation": self.signing.generation,
            "previous_secret_until": self.signing.previous.as_ref().map(|(_, until)| until),
        })
    }
}

/// What has no type of its own.
impl AuditSnapshot for Value {
    fn recorded(&self) -> Value {
        self.clone()
    }
}
