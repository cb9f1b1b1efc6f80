//! The record of requests that were denied because of the caller's role. The first one per caller, operation and hour is in the audit log at
//! once. Further ones are counted, so that nobody can fill the log, which nothing is ever removed from.

use serde_json::json;

use super::{Caller, Context};
use crate::domain::audit::{AuditAction, AuditChange};
use crate::domain::issuance::hour_of;
use crate::domain::refusal::RefusalCount;
use crate::domain::token::Role;
use crate::store::{self, refusals};

/// How many counts become audit entries in one transaction.
const BATCH: i64 = 500;

/// Records that a caller was denied an operation because of their role.
pub async fn record(context: &Context, caller: &Caller, method: &str, route: &str, role: Role) -> store::Result<()> {
    let now = context.clock.now();
    let refusal = RefusalCount {
        hour: hour_of(now),
        actor: caller.actor.clone(),
        method: method.to_owned(),
        route: route.to_owned(),
        role,
        count: 1,
        first_at: now,
        last_at: now,
    };
    let mut db = store::begin(&context.pool).await?;
    if refusals::count(&mut db, &refusal).await? == 1 {
        let facts = AuditChange::none().with(json!({"method": method, "route": route, "role": role}));
        context.audit(&mut db, caller, AuditAction::RequestRefused, None, facts).await?;
    }
    store::commit(db).await
}

/// Writes the further refusals of past hours to the audit log: one entry per caller, operation and hour, with their number.
pub async fn audit_past_hours(context: &Context) -> store::Result<()> {
    let hour = hour_of(context.clock.now());
    loop {
        let mut db = store::begin(&context.pool).await?;
        let due = refusals::take_unaudited(&mut db, hour, BATCH).await?;
        for refusals in &due {
            let facts = AuditChange::none().with(json!({
                "method": refusals.method,
                "route": refusals.route,
                "role": refusals.role,
                "count": refusals.count,
                "hour": refusals.hour,
                "first_at": refusals.first_at,
                "last_at": refusals.last_at,
            }));
            let caller = Caller::new(refusals.actor.clone());
            context.audit(&mut db, &caller, AuditAction::RequestRefused, None, facts).await?;
        }
        store::commit(db).await?;
        if due.is_empty() {
            break;
        }
    }
    let mut db = context.pool.acquire().await?;
    refusals::delete_audited(&mut db, hour).await
}
