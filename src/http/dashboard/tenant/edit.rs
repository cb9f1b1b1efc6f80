//! `/tenants/{tenant}/edit`: edits a tenant's name, reference and modes.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

use crate::domain::ids::TenantRef;
use crate::domain::tenant::Tenant;
use crate::domain::text::FieldError;
use crate::http::AppState;
use crate::http::auth::Operator;
use crate::http::conventions::extract::InPath;
use crate::http::conventions::problem::Problem;
use crate::http::dashboard::shared::layout::{Layout, Section};
use crate::http::dashboard::shared::notice::Notice;
use crate::http::dashboard::shared::paths::tenant_path;
use crate::http::dashboard::shared::session::{DashboardSession, DashboardUser, Posted};
use crate::http::dashboard::tenants::form::{ModeBox, TenantForm, known, modes_fault};
use crate::http::lookup::find_tenant;
use crate::http::web_ui::fields::Field;
use crate::http::web_ui::render;
use crate::service::change_tenant::{ChangeTenantError, FieldChange, TenantChange, change_tenant};

#[derive(Template)]
#[template(path = "dashboard/pages/edit_tenant.html")]
struct Page<'a> {
    frame: Layout<'a>,
    tenant: &'a Tenant,
    path: String,
    fields: Vec<Field>,
    boxes: Vec<ModeBox>,
    modes_fault: Option<String>,
    /// A digest of the state that the page shows.
    known: String,
    /// Someone else changed the tenant after the page was loaded.
    stale: bool,
}

/// The feedback on a submitted form.
enum Feedback<'a> {
    None,
    Wrong(&'a [FieldError]),
    Stale,
}

pub(crate) async fn page(
    State(state): State<AppState>,
    DashboardUser(session, ..): DashboardUser<Operator>,
    InPath(tenant): InPath<TenantRef>,
) -> Result<Response, Problem> {
    let tenant = find_tenant(&state, &tenant).await?;
    if tenant.facts.may_change().is_err() {
        return Err(Problem::offboarded());
    }
    Ok(shown(&state, &session, &tenant, &TenantForm::of(&tenant), &Feedback::None))
}

fn shown(state: &AppState, session: &DashboardSession, tenant: &Tenant, form: &TenantForm, feedback: &Feedback) -> Response {
    let (status, faults): (_, &[FieldError]) = match feedback {
        Feedback::None => (StatusCode::OK, &[]),
        Feedback::Wrong(faults) => (StatusCode::UNPROCESSABLE_ENTITY, faults),
        Feedback::Stale => (StatusCode::CONFLICT, &[]),
    };
    let page = Page {
        frame: Layout::new(state, session, Section::Tenants, &format!("Edit {}", tenant.name)),
        path: tenant_path(tenant),
        fields: form.fields(false, faults),
        boxes: form.boxes(&state.context),
        modes_fault: modes_fault(faults),
        known: known(tenant),
        stale: matches!(feedback, Feedback::Stale),
        tenant,
    };
    (status, render(&page)).into_response()
}

pub(crate) async fn handle(
    State(state): State<AppState>,
    InPath(tenant): InPath<TenantRef>,
    Posted { session, form, .. }: Posted<Operator, TenantForm>,
) -> Result<Response, Problem> {
    let reference = match form.reference.trim() {
        "" => FieldChange::Clear,
        text => FieldChange::Set(text.to_owned()),
    };
    let change = TenantChange {
        name: Some(form.name.clone()),
        reference,
        modes: form.modes(&state.context),
        unreadable: Vec::new(),
    };
    let seen = |detail: crate::service::read::tenants::TenantDetail| {
        if known(&detail.tenant) == form.known {
            Ok(())
        } else {
            Err(Box::new(detail.tenant))
        }
    };
    match change_tenant(&state.context, &session.caller, &tenant, &change, seen).await {
        Ok(changed) => Ok(Redirect::to(&Notice::Changed.at(&tenant_path(&changed.tenant))).into_response()),
        Err(ChangeTenantError::Invalid(faults)) => {
            let found = find_tenant(&state, &tenant).await?;
            Ok(shown(&state, &session, &found, &form, &Feedback::Wrong(&faults)))
        }
        Err(ChangeTenantError::Unseen(present)) => Ok(shown(&state, &session, &present, &form, &Feedback::Stale)),
        Err(ChangeTenantError::UnknownTenant(_)) => Err(Problem::unknown_tenant()),
        Err(ChangeTenantError::Illegal(_)) => Err(Problem::offboarded()),
        Err(ChangeTenantError::Store(error)) => Err(error.into()),
    }
}
