//! The body of webhook messages: `{"type", "timestamp", "data"}`. It never contains a secret.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::MessageType;
use crate::domain::check::CheckName;
use crate::domain::drift::{Drift, Observation};
use crate::domain::ids::WebhookId;
use crate::domain::message::Audience;
use crate::domain::storage_config::StorageConfig;
use crate::domain::tenant::{Tenant, TenantStatus};
use crate::domain::verification::Verification;

/// A message's body.
pub(crate) fn payload(kind: MessageType, at: DateTime<Utc>, data: &Value) -> String {
    json!({"type": kind, "timestamp": written(at), "data": data}).to_string()
}

pub(crate) fn status_changed(tenant: &Tenant, before: TenantStatus, at: DateTime<Utc>) -> Value {
    json!({
        "tenant_id": tenant.id,
        "slug": tenant.slug,
        "reference": tenant.reference,
        "before": before,
        "after": tenant.status(),
        "at": written(at),
    })
}

pub(crate) fn verification_finished(tenant: &Tenant, verification: &Verification) -> Value {
    let failing: Vec<CheckName> = verification.failing().collect();
    json!({
        "tenant_id": tenant.id,
        "slug": tenant.slug,
        "reference": tenant.reference,
        "verification_id": verification.id,
        "version": verification.version,
        "trigger": verification.trigger,
        "verdict": verification.verdict,
        "failing_checks": failing,
        "at": verification.finished_at.map(written),
    })
}

/// What changed at the storage of a tenant's active version.
pub(crate) fn drifted(tenant: &Tenant, drifts: &[Drift], vendor: &str) -> Value {
    let observation = |observation: &Observation| {
        json!({
            "status": observation.status,
            "code": observation.code,
            "summary": observation.summary.render(Audience::Operations, vendor),
        })
    };
    let changes: Vec<Value> = drifts
        .iter()
        .map(|drift| {
            json!({
                "check": drift.difference.check,
                "direction": drift.difference.direction(),
                "before": observation(&drift.difference.before),
                "after": observation(&drift.difference.after),
                "not_before": drift.not_before.map(written),
                "found_at": written(drift.found_at),
            })
        })
        .collect();
    let first = drifts.first();
    json!({
        "tenant_id": tenant.id,
        "slug": tenant.slug,
        "reference": tenant.reference,
        "version": first.map(|drift| drift.version),
        "verification_id": first.map(|drift| drift.verification),
        "changes": changes,
        "at": first.map(|drift| written(drift.found_at)),
    })
}

/// A version that became active, or that would replace the active one.
pub(crate) fn storage_config(tenant: &Tenant, config: &StorageConfig, replaces: Option<&StorageConfig>, at: DateTime<Utc>) -> Value {
    json!({
        "tenant_id": tenant.id,
        "slug": tenant.slug,
        "reference": tenant.reference,
        "config": storage(config),
        "replaces": replaces.map(storage),
        "at": written(at),
    })
}

fn storage(config: &StorageConfig) -> Value {
    let storage = &config.storage;
    json!({
        "version": config.version,
        "mode": storage.mode(),
        "bucket_arn": storage.bucket,
        "bucket_region": storage.region,
        "bucket_account_id": storage.bucket_account,
        "key_arn": storage.key,
        "role_arn": storage.access.client_role(),
        "prefix": storage.prefix,
        "access": storage.level,
    })
}

pub(crate) fn test(webhook: WebhookId) -> Value {
    json!({"webhook_id": webhook})
}

fn written(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
