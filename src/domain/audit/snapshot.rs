//! What the audit log records of an object's state before and after a change. Never contains secrets.

use serde_json::{Value, json};

use crate::domain::contact::Contact;
use crate::domain::invite::Invite;
use crate::domain::storage_config::StorageConfig;
use crate::domain::tenant::{Rotation, Tenant};
use crate::domain::token::Token;
use crate::domain::webhook::Webhook;

pub trait AuditSnapshot {
    fn snapshot(&self) -> Value;
}

impl AuditSnapshot for Tenant {
    fn snapshot(&self) -> Value {
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
    fn snapshot(&self) -> Value {
        let storage = &self.storage;
        json!({
            "version": self.version,
            "mode": storage.mode(),
            "bucket_arn": storage.bucket,
            "region": storage.region,
            "key_arn": storage.key,
            "role_arn": storage.access.client_role(),
            "bucket_account_id": storage.bucket_account,
            "prefix": storage.prefix,
            "access": storage.level,
            "sample_object": storage.sample_object,
        })
    }
}

impl AuditSnapshot for Token {
    fn snapshot(&self) -> Value {
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
    fn snapshot(&self) -> Value {
        json!({"purpose": self.purpose, "expires_at": self.expires_at, "revoked_at": self.revoked_at})
    }
}

/// The name and the address are personal data, which erasure replaces.
impl AuditSnapshot for Contact {
    fn snapshot(&self) -> Value {
        json!({
            "name": self.name,
            "email": self.email,
            "state": self.state(),
        })
    }
}

/// Only the URL's origin is recorded, because the rest may contain a secret of the receiver.
impl AuditSnapshot for Webhook {
    fn snapshot(&self) -> Value {
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

/// Objects without a type.
impl AuditSnapshot for Value {
    fn snapshot(&self) -> Value {
        self.clone()
    }
}
