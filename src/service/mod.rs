//! Use cases, each a function: what the HTTP handlers, the jobs and the command line have in common.

pub mod authenticate;
pub mod change_standing;
pub mod change_tenant;
pub mod check_vendor;
pub mod create_invite;
pub mod create_tenant;
pub mod credentials;
pub mod explain_removal;
pub mod issue_templates;
pub mod merge_template;
pub mod open_invite;
pub mod read;
pub mod request_verification;
pub mod revoke_invite;
pub mod rotate_external_id;
pub mod run_verification;
pub mod stats;
pub mod submit_config;
mod tenant_fields;

use std::sync::Arc;

use sqlx::{PgConnection, PgPool};

use crate::clock::SharedClock;
use crate::domain::attempts::Patience;
use crate::domain::audit::{Action, Actor, Event};
use crate::domain::ids::TenantId;
use crate::domain::vendor::Vendor;
use crate::store::{self, audit};

/// What every use case is handed.
#[derive(Debug, Clone)]
pub struct Context {
    pub pool: PgPool,
    pub clock: SharedClock,
    pub vendor: Arc<Vendor>,
    pub patience: Patience,
}

/// On whose behalf.
#[derive(Debug, Clone)]
pub struct Caller {
    pub actor: Actor,
    pub request_id: Option<String>,
}

impl Caller {
    pub fn system() -> Self {
        Self {
            actor: Actor::System,
            request_id: None,
        }
    }

    pub fn operator() -> Self {
        Self {
            actor: Actor::Operator,
            request_id: None,
        }
    }
}

impl Context {
    /// Writes an entry of the audit log, in the transaction of the change that it tells of.
    async fn audit(
        &self,
        db: &mut PgConnection,
        caller: &Caller,
        action: Action,
        tenant: Option<TenantId>,
        detail: serde_json::Value,
    ) -> store::Result<()> {
        let event = Event {
            actor: caller.actor.clone(),
            action,
            tenant,
            detail,
        };
        audit::append(db, self.clock.uuid().into(), self.clock.now(), caller.request_id.as_deref(), &event).await
    }
}
