//! Use cases, each a function. The HTTP handlers, the jobs and the command line call them.

pub mod approve_change;
pub mod audit_head;
pub mod campaigns;
pub mod change_tenant;
pub mod check_vendor;
pub mod create_api_token;
pub mod create_invite;
pub mod create_tenant;
pub mod credential_cache;
pub mod document_versions;
pub mod end_invite_session;
pub(crate) mod explain_removal;
pub mod history;
pub mod idempotency;
pub mod issuances;
pub(crate) mod issue_templates;
pub mod mail;
pub(crate) mod merge_template;
pub(crate) mod observe;
pub(crate) mod open_invite;
pub mod process_presence;
mod put_lease;
pub mod read;
pub mod refusals;
pub mod request_verification;
mod reverification_schedule;
pub(crate) mod reverification_state;
pub(crate) mod reverify;
pub mod revoke_invite;
pub mod revoke_sessions;
pub mod rotate_external_id;
pub mod run_verification;
pub mod sign_in;
pub(crate) mod stats;
pub(crate) mod submit_by_customer;
pub mod submit_config;
mod superseded;
mod tenant_fields;
pub mod tenant_lifecycle;
pub mod tokens;
pub(crate) mod validate_config;
pub(crate) mod verification_feed;
pub(crate) mod verification_notifications;
pub mod webhooks;

pub use crate::store::{Outage, Pools, StoreError};

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::{PgConnection, PgPool};

use self::document_versions::IssuedDocuments;

use crate::clock::SharedClock;
use crate::domain::audit::{Actor, AuditAction, AuditChange, AuditEvent};
use crate::domain::idempotency::IdempotencyClaim;
use crate::domain::ids::{AuditEventId, TenantId, TenantRef};
use crate::domain::limits::{Limits, Retention};
use crate::domain::mail::MailPolicy;
use crate::domain::retry::RetryPolicy;
use crate::domain::reverification::budget::CallRates;
use crate::domain::reverification::schedule::Schedule;
use crate::domain::tenant::Tenant;
use crate::domain::vendor::Vendor;
use crate::domain::webhook;
use crate::store::audit::AuditOrigin;
use crate::store::jobs::JobOrigin;
use crate::store::{self, Transaction, audit, tenants};
use crate::telemetry::traces;

/// The dependencies of every use case.
#[derive(Debug, Clone)]
pub struct Context {
    pub pool: PgPool,
    pub clock: SharedClock,
    pub vendor: Arc<Vendor>,
    pub retry_policy: RetryPolicy,
    /// How long an attempt of a verification may write to the customer's bucket.
    pub lease: Duration,
    pub webhooks: Arc<webhook::WebhookPolicy>,
    /// None if mail is off: nothing is queued then.
    pub mail: Option<Arc<MailPolicy>>,
    pub limits: Limits,
    pub retention: Retention,
    /// How often storage configs are verified again.
    pub schedule: Schedule,
    /// How many calls to AWS all processes may make together.
    pub rates: CallRates,
    /// Identifies the checks and documents: see [`Vendor::catalogue_fingerprint`].
    pub catalogue: Arc<str>,
    /// The documents that this process issues.
    pub documents: Arc<IssuedDocuments>,
    /// How long processes make AWS sessions after their last contact with the database.
    pub credentials_stale_for: Duration,
}

/// Who makes a change, and from where.
#[derive(Debug, Clone)]
pub struct Caller {
    pub actor: Actor,
    pub request_id: Option<String>,
    /// The client's IP address.
    pub address: Option<IpAddr>,
    /// The claim of the request's idempotency key. It is marked as done in the transaction of the change.
    pub claim: Option<IdempotencyClaim>,
}

impl Caller {
    pub fn new(actor: Actor) -> Self {
        Self {
            actor,
            request_id: None,
            address: None,
            claim: None,
        }
    }

    pub fn system() -> Self {
        Self::new(Actor::System)
    }

    pub fn operator() -> Self {
        Self::new(Actor::Operator)
    }

    /// The origin of jobs that are queued for this caller.
    fn cause(&self) -> JobOrigin {
        JobOrigin {
            request_id: self.request_id.clone(),
            traceparent: traces::parent(),
        }
    }
}

/// The tenant does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no such tenant")]
pub struct UnknownTenant;

impl Context {
    /// The same context with other connections to the database.
    #[must_use]
    pub fn with_pool(&self, pool: PgPool) -> Self {
        Self { pool, ..self.clone() }
    }

    /// Begins a transaction, locks the tenant, and then reads it. Every service that changes a tenant must start here, so
    /// that nobody else can change the state that it decides on.
    async fn begin_for_tenant<E>(&self, tenant: &TenantRef) -> Result<(Transaction, Tenant), E>
    where
        E: From<UnknownTenant> + From<store::StoreError>,
    {
        let mut db = store::begin(&self.pool).await?;
        let tenant = tenants::find_locked(&mut db, tenant).await?.ok_or(UnknownTenant)?;
        Ok((db, tenant))
    }

    /// Writes an audit entry, in the transaction of the change.
    async fn audit(
        &self,
        db: &mut PgConnection,
        caller: &Caller,
        action: AuditAction,
        tenant: Option<TenantId>,
        difference: AuditChange,
    ) -> store::Result<()> {
        let event = AuditEvent {
            actor: caller.actor.clone(),
            action,
            tenant,
            difference,
        };
        let origin = AuditOrigin {
            request_id: caller.request_id.as_deref(),
            address: caller.address,
        };
        let (id, now): (AuditEventId, _) = (self.clock.uuid().into(), self.clock.now());
        audit::append(db, id, now, &origin, &event).await?;
        match &caller.claim {
            Some(claim) if !store::idempotency::mark_done(db, claim, (id, tenant), now).await? => Err(store::StoreError::TakenOver),
            _ => Ok(()),
        }
    }
}
