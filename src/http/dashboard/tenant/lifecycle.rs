//! `/tenants/{tenant}/suspend`, `/resume` and `/offboard`: each says what will happen, and asks why.

use axum::extract::State as Extract;
use axum::response::{IntoResponse, Redirect, Response};

use crate::domain::audit::AuditReason;
use crate::domain::ids::TenantRef;
use crate::domain::tenant::{IllegalChange, Tenant};
use crate::http::AppState;
use crate::http::admin_api::find_tenant;
use crate::http::conventions::extract::InPath;
use crate::http::conventions::problem::Problem;
use crate::http::dashboard::shared::confirm::{Because, Question, ask, judge};
use crate::http::dashboard::shared::notice::Notice;
use crate::http::dashboard::shared::paths::tenant_path;
use crate::http::dashboard::shared::session::{Operator, Posted};
use crate::service::tenant_lifecycle::{self, LifecycleError};
use crate::service::{Caller, Context};

/// A change of a tenant's standing.
pub trait Change: 'static {
    const DONE: Notice;

    fn question(tenant: &Tenant) -> Question;

    fn is_possible(tenant: &Tenant) -> Result<(), IllegalChange>;

    fn carry_out(
        context: &Context,
        caller: &Caller,
        tenant: &TenantRef,
        reason: &AuditReason,
    ) -> impl Future<Output = Result<Tenant, LifecycleError>> + Send;
}

pub async fn page<C: Change>(
    Extract(state): Extract<AppState>,
    Operator(person): Operator,
    InPath(tenant): InPath<TenantRef>,
) -> Result<Response, Problem> {
    let tenant = find_tenant(&state, &tenant).await?;
    C::is_possible(&tenant).map_err(LifecycleError::from)?;
    Ok(ask(&state, &person, &tenant, C::question(&tenant)))
}

pub async fn handle<C: Change>(
    Extract(state): Extract<AppState>,
    InPath(tenant): InPath<TenantRef>,
    Posted {
        who: Operator(person),
        form,
    }: Posted<Operator, Because>,
) -> Result<Response, Problem> {
    let found = find_tenant(&state, &tenant).await?;
    let reason = match judge(&state, &person, &found, C::question(&found), &form) {
        Ok(reason) => reason,
        Err(again) => return Ok(*again),
    };
    let after = C::carry_out(&state.context, &person.caller, &tenant, &reason).await?;
    Ok(Redirect::to(&C::DONE.at(&tenant_path(&after))).into_response())
}

pub struct Suspend;

impl Change for Suspend {
    const DONE: Notice = Notice::Suspended;

    fn question(tenant: &Tenant) -> Question {
        Question {
            title: format!("Suspend {}", tenant.name),
            happens: vec![
                "Internal services are refused its storage from now on, within a second, on every replica.".into(),
                "Its people still reach their form, and verifications may still run.".into(),
                "Resuming brings back what it was before.".into(),
            ],
            button: "Suspend",
            action: "suspend",
            reason: true,
            is_final: false,
        }
    }

    fn is_possible(tenant: &Tenant) -> Result<(), IllegalChange> {
        tenant.facts.may_be_suspended()
    }

    async fn carry_out(context: &Context, caller: &Caller, tenant: &TenantRef, reason: &AuditReason) -> Result<Tenant, LifecycleError> {
        tenant_lifecycle::suspend(context, caller, tenant, reason).await
    }
}

pub struct Resume;

impl Change for Resume {
    const DONE: Notice = Notice::Resumed;

    fn question(tenant: &Tenant) -> Question {
        Question {
            title: format!("Resume {}", tenant.name),
            happens: vec![
                "Internal services get its storage again, if it has any that works.".into(),
                "Its status is again what it is underneath.".into(),
            ],
            button: "Resume",
            action: "resume",
            reason: true,
            is_final: false,
        }
    }

    fn is_possible(tenant: &Tenant) -> Result<(), IllegalChange> {
        tenant.facts.may_be_resumed()
    }

    async fn carry_out(context: &Context, caller: &Caller, tenant: &TenantRef, reason: &AuditReason) -> Result<Tenant, LifecycleError> {
        tenant_lifecycle::resume(context, caller, tenant, reason).await
    }
}

pub struct Offboard;

impl Change for Offboard {
    const DONE: Notice = Notice::Offboarded;

    fn question(tenant: &Tenant) -> Question {
        Question {
            title: format!("Offboard {}", tenant.name),
            happens: vec![
                "Internal services are refused its storage from now on, for good.".into(),
                "Its open invites end, and the tokens that are for it alone. What is being verified stops, and cleans up.".into(),
                format!("The slug {}, its bucket and its role are free for others.", tenant.slug),
                "Its history stays. Its people can read at their link what to take away in AWS, for 90 days.".into(),
            ],
            button: "Offboard for good",
            action: "offboard",
            reason: true,
            is_final: true,
        }
    }

    fn is_possible(tenant: &Tenant) -> Result<(), IllegalChange> {
        tenant.facts.may_change()
    }

    async fn carry_out(context: &Context, caller: &Caller, tenant: &TenantRef, reason: &AuditReason) -> Result<Tenant, LifecycleError> {
        tenant_lifecycle::offboard(context, caller, tenant, reason).await
    }
}
