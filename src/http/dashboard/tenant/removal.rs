//! `GET /tenants/{tenant}/removal`: how the customer removes the granted access in AWS, before or after offboarding.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::domain::ids::TenantRef;
use crate::domain::templates::removal::Removal;
use crate::domain::tenant::Tenant;
use crate::http::AppState;
use crate::http::auth::Reader;
use crate::http::conventions::extract::InPath;
use crate::http::conventions::problem::Problem;
use crate::http::dashboard::shared::layout::{Layout, Section};
use crate::http::dashboard::shared::paths::tenant_path;
use crate::http::dashboard::shared::session::DashboardUser;
use crate::http::lookup::find_tenant;
use crate::http::web_ui::render;
use crate::service::explain_removal::explain_removal;

#[derive(Template)]
#[template(path = "dashboard/pages/removal.html")]
struct Page<'a> {
    frame: Layout<'a>,
    tenant: &'a Tenant,
    path: String,
    removal: Removal,
}

pub(crate) async fn handle(
    State(state): State<AppState>,
    DashboardUser(session, ..): DashboardUser<Reader>,
    InPath(tenant): InPath<TenantRef>,
) -> Result<Response, Problem> {
    let tenant = find_tenant(&state, &tenant).await?;
    let removal = explain_removal(&state.context, &tenant).await?;
    Ok(render(&Page {
        frame: Layout::new(
            &state,
            &session,
            Section::Tenants,
            &format!("Offboarding steps for {}", tenant.name),
        ),
        path: tenant_path(&tenant),
        tenant: &tenant,
        removal,
    }))
}
