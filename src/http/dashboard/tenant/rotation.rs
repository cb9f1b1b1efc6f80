//! `/tenants/{tenant}/rotate`, `/abandon` and `/end-previous`: the steps of a rotation of the external ID.

use axum::extract::State;
use axum::response::{Redirect, Response};

use crate::domain::ids::TenantRef;
use crate::domain::tenant::Tenant;
use crate::http::AppState;
use crate::http::auth::Operator;
use crate::http::conventions::extract::InPath;
use crate::http::conventions::problem::Problem;
use crate::http::dashboard::shared::confirm::{EmptyForm, Question, ask};
use crate::http::dashboard::shared::notice::Notice;
use crate::http::dashboard::shared::paths::tenant_path;
use crate::http::dashboard::shared::session::{DashboardUser, Posted};
use crate::http::lookup::find_tenant;
use crate::service::rotate_external_id::{self, RotateExternalIdError};
use crate::service::{Caller, Context};

/// A step of the rotation.
pub(crate) trait Step: 'static {
    const DONE: Notice;
    const TITLE: &str;
    const BUTTON: &str;
    const ACTION: &str;
    const HAPPENS: &[&str];

    fn carry_out(
        context: &Context,
        caller: &Caller,
        tenant: &TenantRef,
    ) -> impl Future<Output = Result<Tenant, RotateExternalIdError>> + Send;
}

pub(crate) async fn page<S: Step>(
    State(state): State<AppState>,
    DashboardUser(session, ..): DashboardUser<Operator>,
    InPath(tenant): InPath<TenantRef>,
) -> Result<Response, Problem> {
    let tenant = find_tenant(&state, &tenant).await?;
    let question = Question {
        title: format!("{} of {}", S::TITLE, tenant.name),
        happens: S::HAPPENS.iter().map(ToString::to_string).collect(),
        button: S::BUTTON,
        action: S::ACTION.to_owned(),
        reason: false,
        is_final: false,
    };
    Ok(ask(&state, &session, &tenant, question))
}

pub(crate) async fn handle<S: Step>(
    State(state): State<AppState>,
    InPath(tenant): InPath<TenantRef>,
    Posted { session, .. }: Posted<Operator, EmptyForm>,
) -> Result<Redirect, Problem> {
    let after = S::carry_out(&state.context, &session.caller, &tenant).await?;
    Ok(Redirect::to(&S::DONE.at(&tenant_path(&after))))
}

pub(crate) struct Rotate;

impl Step for Rotate {
    const DONE: Notice = Notice::Rotated;
    const TITLE: &str = "Rotate external ID";
    const BUTTON: &str = "Issue external ID";
    const ACTION: &str = "rotate";
    const HAPPENS: &[&str] = &[
        "A second external ID is issued. The documents then contain both, and the current one stays in use.",
        "The customer replaces the old documents with the new ones.",
        "The next verification of the active version checks the new ID and puts it into use. Then you end the previous one.",
    ];

    async fn carry_out(context: &Context, caller: &Caller, tenant: &TenantRef) -> Result<Tenant, RotateExternalIdError> {
        rotate_external_id::rotate(context, caller, tenant).await
    }
}

pub(crate) struct Abandon;

impl Step for Abandon {
    const DONE: Notice = Notice::Abandoned;
    const TITLE: &str = "Abandon the new external ID";
    const BUTTON: &str = "Abandon";
    const ACTION: &str = "abandon";
    const HAPPENS: &[&str] = &[
        "The new ID is discarded, and the documents contain only the current one.",
        "A customer who has already applied it can leave it in place: it will never be used.",
    ];

    async fn carry_out(context: &Context, caller: &Caller, tenant: &TenantRef) -> Result<Tenant, RotateExternalIdError> {
        rotate_external_id::abandon(context, caller, tenant).await
    }
}

pub(crate) struct EndPrevious;

impl Step for EndPrevious {
    const DONE: Notice = Notice::Ended;
    const TITLE: &str = "End the previous external ID";
    const BUTTON: &str = "End it";
    const ACTION: &str = "end-previous";
    const HAPPENS: &[&str] = &[
        "The documents then contain only the current ID, and the customer removes the previous one.",
        "A verification checks that the previous ID is denied. Until it is, the rotation is not complete.",
        "Nothing changes for internal services.",
    ];

    async fn carry_out(context: &Context, caller: &Caller, tenant: &TenantRef) -> Result<Tenant, RotateExternalIdError> {
        rotate_external_id::end_previous(context, caller, tenant).await
    }
}
