//! Queues messages to webhooks in the transaction of the event, so that either both are committed or neither.

use serde_json::Value;
use sqlx::PgConnection;

use crate::domain::drift::Drift;
use crate::domain::ids::{DeliveryId, TenantId, TenantRef, VerificationId, WebhookId};
use crate::domain::storage_config::StorageConfig;
use crate::domain::webhook::{Topic, message};
use crate::service::mail::notify;
use crate::service::{Context, reverification_schedule};
use crate::store::tenants::Refreshed;
use crate::store::webhook_deliveries::NewDelivery;
use crate::store::{self, tenants, verifications, webhook_deliveries, webhooks};

/// Updates the tenant's status and its schedule after a change of its facts, and announces a new status to webhooks and by mail. Every
/// transaction that changes facts must call this. The tenant must be locked.
pub(crate) async fn refresh(context: &Context, db: &mut PgConnection, tenant: TenantId) -> store::Result<()> {
    let refreshed = tenants::refresh_overview(db, tenant).await?;
    if let Refreshed::Same { tenant: Some(tenant) } | Refreshed::Changed { tenant, .. } = &refreshed {
        reverification_schedule::refresh(context, db, tenant).await?;
    }
    let Refreshed::Changed { tenant, before } = refreshed else {
        return Ok(());
    };
    notify::status_changed(context, db, &tenant, before).await?;
    let to = webhooks::listening(db, Topic::TenantStatusChanged).await?;
    let data = message::status_changed(&tenant, before, context.clock.now());
    queue(context, db, Topic::TenantStatusChanged, tenant.id, &data, to).await
}

/// Announces that a verification finished. The tenant must be locked.
pub(crate) async fn verification_finished(context: &Context, db: &mut PgConnection, id: VerificationId) -> store::Result<()> {
    let to = webhooks::listening(db, Topic::VerificationFinished).await?;
    if to.is_empty() {
        return Ok(());
    }
    let missing = |what| store::StoreError::inconsistent("verifications", id, what);
    let verification = verifications::find(db, id).await?.ok_or_else(|| missing("it is missing"))?;
    let tenant = tenants::find(db, &TenantRef::Id(verification.tenant_id))
        .await?
        .ok_or_else(|| missing("its tenant is missing"))?;
    let data = message::verification_finished(&tenant, &verification);
    queue(context, db, Topic::VerificationFinished, tenant.id, &data, to).await
}

/// Announces what became of a version. The tenant must be locked.
pub(crate) async fn storage_config(
    context: &Context,
    db: &mut PgConnection,
    topic: Topic,
    config: &StorageConfig,
    replaces: Option<&StorageConfig>,
) -> store::Result<()> {
    let to = webhooks::listening(db, topic).await?;
    if to.is_empty() {
        return Ok(());
    }
    let tenant = tenants::find(db, &TenantRef::Id(config.tenant_id))
        .await?
        .ok_or_else(|| store::StoreError::inconsistent("storage_configs", config.id, "its tenant is missing"))?;
    let data = message::storage_config(&tenant, config, replaces, context.clock.now());
    queue(context, db, topic, tenant.id, &data, to).await
}

/// Announces what changed at a tenant's storage. The tenant must be locked.
pub(crate) async fn drifted(context: &Context, db: &mut PgConnection, config: &StorageConfig, drifts: &[Drift]) -> store::Result<()> {
    if drifts.is_empty() {
        return Ok(());
    }
    let to = webhooks::listening(db, Topic::TenantDrifted).await?;
    if to.is_empty() {
        return Ok(());
    }
    let tenant = tenants::find(db, &TenantRef::Id(config.tenant_id))
        .await?
        .ok_or_else(|| store::StoreError::inconsistent("storage_configs", config.id, "its tenant is missing"))?;
    let data = message::drifted(&tenant, drifts, &context.vendor.name);
    queue(context, db, Topic::TenantDrifted, tenant.id, &data, to).await
}

async fn queue(
    context: &Context,
    db: &mut PgConnection,
    topic: Topic,
    tenant: TenantId,
    data: &Value,
    to: Vec<WebhookId>,
) -> store::Result<()> {
    let at = context.clock.now();
    let message = NewDelivery {
        id: context.clock.uuid().into(),
        kind: topic.into(),
        tenant: Some(tenant),
        payload: message::payload(topic.into(), at, data),
        at,
    };
    let to: Vec<(DeliveryId, WebhookId)> = to.into_iter().map(|webhook| (context.clock.uuid().into(), webhook)).collect();
    webhook_deliveries::queue(db, &message, tenant, &to).await
}
