//! `/tenants/{tenant}/suspend`, `/resume` and `/offboard`: each page says what will happen and asks for the reason.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};

use crate::domain::audit::AuditReason;
use crate::domain::ids::TenantRef;
use crate::domain::tenant::{IllegalChange, Tenant};
use crate::http::AppState;
use crate::http::auth::Operator;
use crate::http::conventions::extract::InPath;
use crate::http::conventions::problem::Problem;
use crate::http::dashboard::shared::confirm::{Question, ReasonForm, ask, validate};
use crate::http::dashboard::shared::notice::Notice;
use crate::http::dashboard::shared::paths::tenant_path;
use crate::http::dashboard::shared::session::{DashboardUser, Posted};
use crate::http::lookup::find_tenant;
use crate::service::tenant_lifecycle::{self, LifecycleError};
use crate::service::{Caller, Context};

/// A lifecycle change.
pub(crate) trait Change: 'static {
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

pub(crate) async fn page<C: Change>(
    State(state): State<AppState>,
    DashboardUser(session, ..): DashboardUser<Operator>,
    InPath(tenant): InPath<TenantRef>,
) -> Result<Response, Problem> {
    let tenant = find_tenant(&state, &tenant).await?;
    C::is_possible(&tenant).map_err(LifecycleError::from)?;
    Ok(ask(&state, &session, &tenant, C::question(&tenant)))
}

pub(crate) async fn handle<C: Change>(
    State(state): State<AppState>,
    InPath(tenant): InPath<TenantRef>,
    Posted { session, form, .. }: Posted<Operator, ReasonForm>,
) -> Result<Response, Problem> {
    let found = find_tenant(&state, &tenant).await?;
    let reason = match validate(&state, &session, &found, C::question(&found), &form) {
        Ok(reason) => reason,
        Err(again) => return Ok(*again),
    };
    let after = C::carry_out(&state.context, &session.caller, &tenant, &reason).await?;
    Ok(Redirect::to(&C::DONE.at(&tenant_path(&after))).into_response())
}

pub(crate) struct Suspend;

impl Change for Suspend {
    const DONE: Notice = Notice::Suspended;

    fn question(tenant: &Tenant) -> Question {
        Question {
            title: format!("Suspend {}", tenant.name),
            happens: vec![
                "Within a second, every replica stops serving its storage config to internal services.".into(),
                "The customer can still open the form, and verifications can still run.".into(),
                "Resuming restores the previous status.".into(),
            ],
            button: "Suspend",
            action: "suspend".into(),
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

pub(crate) struct Resume;

impl Change for Resume {
    const DONE: Notice = Notice::Resumed;

    fn question(tenant: &Tenant) -> Question {
        Question {
            title: format!("Resume {}", tenant.name),
            happens: vec![
                "Internal services get its storage config again if a version is active.".into(),
                "The tenant returns to the status it had before.".into(),
            ],
            button: "Resume",
            action: "resume".into(),
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

pub(crate) struct Offboard;

impl Change for Offboard {
    const DONE: Notice = Notice::Offboarded;

    fn question(tenant: &Tenant) -> Question {
        Question {
            title: format!("Offboard {}", tenant.name),
            happens: vec![
                "Internal services permanently stop getting its storage config.".into(),
                "Its open invites end, as do tokens that are limited to it. A running verification stops and cleans up.".into(),
                format!(
                    "Its bucket and its role become available to other tenants. The slug {} stays reserved, for 90 days by default.",
                    tenant.slug
                ),
                "Its history is kept. For 90 days, the customer's link shows how to remove the granted access in AWS.".into(),
            ],
            button: "Offboard permanently",
            action: "offboard".into(),
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
