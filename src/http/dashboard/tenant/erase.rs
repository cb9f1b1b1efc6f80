//! `/tenants/{tenant}/erase`: erases the personal data of an offboarded tenant.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};

use crate::domain::ids::TenantRef;
use crate::domain::tenant::Tenant;
use crate::http::AppState;
use crate::http::auth::Administrator;
use crate::http::conventions::extract::InPath;
use crate::http::conventions::problem::Problem;
use crate::http::dashboard::shared::confirm::{Question, ReasonForm, ask, validate};
use crate::http::dashboard::shared::notice::Notice;
use crate::http::dashboard::shared::paths::tenant_path;
use crate::http::dashboard::shared::session::{DashboardUser, Posted};
use crate::http::lookup::find_tenant;
use crate::service::tenant_lifecycle::{self, LifecycleError};

pub(crate) async fn page(
    State(state): State<AppState>,
    DashboardUser(session, ..): DashboardUser<Administrator>,
    InPath(tenant): InPath<TenantRef>,
) -> Result<Response, Problem> {
    let tenant = find_tenant(&state, &tenant).await?;
    tenant.facts.may_be_erased().map_err(LifecycleError::from)?;
    if tenant.erased_at.is_some() {
        return Ok(Redirect::to(&tenant_path(&tenant)).into_response());
    }
    Ok(ask(&state, &session, &tenant, question(&tenant)))
}

pub(crate) async fn handle(
    State(state): State<AppState>,
    InPath(tenant): InPath<TenantRef>,
    Posted { session, form, .. }: Posted<Administrator, ReasonForm>,
) -> Result<Response, Problem> {
    let found = find_tenant(&state, &tenant).await?;
    let reason = match validate(&state, &session, &found, question(&found), &form) {
        Ok(reason) => reason,
        Err(again) => return Ok(*again),
    };
    let after = tenant_lifecycle::erase(&state.context, &session.caller, &tenant, &reason).await?;
    Ok(Redirect::to(&Notice::Erased.at(&tenant_path(&after))).into_response())
}

fn question(tenant: &Tenant) -> Question {
    Question {
        title: format!("Erase the personal data of {}", tenant.name),
        happens: vec![
            "Its name, slug and reference are replaced by “erased”, as are the names, reasons and addresses in its audit log. Its contacts and the mail to them are deleted.".into(),
            "The audit log keeps what was done, when, and by which ID.".into(),
            "The tenant can then be found only by its ID. The reason that you give here is kept, so don't name anyone in it.".into(),
        ],
        button: "Erase permanently",
        action: "erase".into(),
        reason: true,
        is_final: true,
    }
}
