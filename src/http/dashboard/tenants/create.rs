//! `/new-tenant`: creates a tenant.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

use crate::domain::text::FieldError;
use crate::http::AppState;
use crate::http::auth::Operator;
use crate::http::conventions::problem::Problem;
use crate::http::dashboard::shared::layout::{Layout, Section};
use crate::http::dashboard::shared::notice::Notice;
use crate::http::dashboard::shared::paths::tenant_path;
use crate::http::dashboard::shared::session::{DashboardSession, DashboardUser, Posted};
use crate::http::dashboard::tenants::form::{ModeBox, TenantForm, modes_fault};
use crate::http::web_ui::fields::Field;
use crate::http::web_ui::render;
use crate::service::create_tenant::{CreateTenantError, NewTenant, create_tenant, slug_reserved};

#[derive(Template)]
#[template(path = "dashboard/pages/new_tenant.html")]
struct Page<'a> {
    frame: Layout<'a>,
    fields: Vec<Field>,
    boxes: Vec<ModeBox>,
    modes_fault: Option<String>,
}

pub(crate) async fn page(State(state): State<AppState>, DashboardUser(session, ..): DashboardUser<Operator>) -> Response {
    shown(&state, &session, &TenantForm::empty(), &[])
}

fn shown(state: &AppState, session: &DashboardSession, form: &TenantForm, faults: &[FieldError]) -> Response {
    let page = Page {
        frame: Layout::new(state, session, Section::Tenants, "Create a tenant"),
        fields: form.fields(true, faults),
        boxes: form.boxes(&state.context),
        modes_fault: modes_fault(faults),
    };
    let status = if faults.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    (status, render(&page)).into_response()
}

pub(crate) async fn handle(
    State(state): State<AppState>,
    Posted { session, form, .. }: Posted<Operator, TenantForm>,
) -> Result<Response, Problem> {
    let new = NewTenant {
        slug: Some(form.slug.clone()),
        name: Some(form.name.clone()),
        reference: Some(form.reference.clone()),
        modes: form.modes(&state.context),
        unreadable: Vec::new(),
    };
    match create_tenant(&state.context, &session.caller, &new).await {
        Ok(tenant) => Ok(Redirect::to(&Notice::Created.at(&tenant_path(&tenant))).into_response()),
        Err(CreateTenantError::Invalid(faults)) => Ok(shown(&state, &session, &form, &faults)),
        Err(CreateTenantError::SlugTaken(_)) => {
            let taken = FieldError::new("slug", "slug_taken", "this slug is taken; choose another one");
            Ok(shown(&state, &session, &form, &[taken]))
        }
        Err(CreateTenantError::SlugReserved { until, .. }) => Ok(shown(&state, &session, &form, &[slug_reserved(until)])),
        Err(CreateTenantError::Store(error)) => Err(error.into()),
    }
}
