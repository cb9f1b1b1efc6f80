//! `GET /tenants/{tenant}/documents`: the documents that the customer applies, filled in with the latest submission.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use strum::IntoEnumIterator;

use crate::domain::ids::TenantRef;
use crate::domain::storage_config::{Mode, StorageConfig};
use crate::domain::templates::format::TemplateFormat;
use crate::domain::templates::{Parties, TemplateParams};
use crate::domain::tenant::Tenant;
use crate::http::AppState;
use crate::http::auth::Reader;
use crate::http::conventions::extract::InPath;
use crate::http::conventions::problem::{Problem, ProblemKind};
use crate::http::dashboard::shared::layout::{Layout, Section};
use crate::http::dashboard::shared::paths::tenant_path;
use crate::http::dashboard::shared::session::DashboardUser;
use crate::http::lookup::find_tenant;
use crate::http::web_ui::labels::pretty;
use crate::http::web_ui::render;
use crate::service::issue_templates::{TypedParams, fill_valid, issue_documents, numbered};
use crate::service::read;

#[derive(Debug, Deserialize)]
pub(crate) struct PageQuery {
    mode: Option<String>,
}

#[derive(Template)]
#[template(path = "dashboard/pages/documents.html")]
struct Page<'a> {
    frame: Layout<'a>,
    tenant: &'a Tenant,
    path: String,
    mode: Mode,
    /// The modes that the tenant may choose, and whether each is selected.
    modes: Vec<(Mode, bool)>,
    documents: Vec<Document>,
    /// The formats with all documents in one file.
    files: Vec<TemplateFormat>,
    quick_create: Option<String>,
}

struct Document {
    id: String,
    title: String,
    place: String,
    text: String,
}

/// The latest submission in this mode, as form entries.
fn typed(mode: Option<String>, newest: Option<StorageConfig>) -> TypedParams {
    let newest = newest.filter(|newest| mode.as_ref().is_none_or(|mode| *mode == newest.storage.mode().to_string()));
    let Some(StorageConfig { storage, .. }) = newest else {
        return TypedParams {
            mode,
            ..TypedParams::default()
        };
    };
    TypedParams {
        mode: Some(storage.mode().to_string()),
        bucket: Some(storage.bucket.name().to_string()),
        key_arn: Some(storage.key.to_string()),
        role_name: storage.access.client_role().map(|role| role.name().to_string()),
        account_id: storage.access.client_role().map(|role| role.account().to_string()),
        bucket_account_id: Some(storage.bucket_account.to_string()),
        prefix: storage.prefix.map(|prefix| prefix.to_string()),
        access: Some(storage.level.to_string()),
        role_path: storage.access.client_role().map(|role| role.path().to_owned()),
        ..TypedParams::default()
    }
}

async fn template_params(state: &AppState, tenant: &Tenant, mode: Option<String>) -> Result<TemplateParams, Problem> {
    let newest = read::storage_configs::newest(&state.context, tenant.id).await?;
    // Other values than the mode were submitted, and their rules can have changed since.
    let (filled, faults) = fill_valid(&state.context, tenant, typed(mode, newest)).map_err(Problem::validation)?;
    let faults: Vec<_> = faults.into_iter().filter(|fault| fault.field == "mode").collect();
    if !faults.is_empty() {
        return Err(Problem::validation(faults));
    }
    Ok(numbered(&state.context, filled).await?)
}

pub(crate) async fn handle(
    State(state): State<AppState>,
    DashboardUser(session, ..): DashboardUser<Reader>,
    InPath(tenant): InPath<TenantRef>,
    Query(query): Query<PageQuery>,
) -> Result<Response, Problem> {
    let tenant = find_tenant(&state, &tenant).await?;
    let template_params = template_params(&state, &tenant, query.mode).await?;
    let issued = issue_documents(&state.context, &template_params);
    let documents = issued.documents.into_iter().map(|document| Document {
        id: <&str>::from(document.document).to_owned(),
        title: document.title,
        place: document.apply_to,
        text: pretty(&document.body),
    });
    let offered = state.context.vendor.modes().into_iter().filter(|mode| tenant.modes.contains(mode));
    Ok(render(&Page {
        frame: Layout::new(&state, &session, Section::Tenants, &format!("Documents of {}", tenant.name)),
        path: tenant_path(&tenant),
        mode: template_params.mode,
        modes: offered.map(|mode| (mode, mode == template_params.mode)).collect(),
        documents: documents.collect(),
        files: TemplateFormat::iter()
            .filter(|format| *format != TemplateFormat::Json && format.check_accounts(&template_params).is_ok())
            .collect(),
        quick_create: issued.quick_create_url,
        tenant: &tenant,
    }))
}

/// `GET /tenants/{tenant}/documents/{format}`: all documents in one file.
pub(crate) async fn file(
    State(state): State<AppState>,
    _: DashboardUser<Reader>,
    InPath(tenant): InPath<TenantRef>,
    Path((_, format)): Path<(String, String)>,
    Query(query): Query<PageQuery>,
) -> Result<Response, Problem> {
    let tenant = find_tenant(&state, &tenant).await?;
    let template_params = template_params(&state, &tenant, query.mode).await?;
    let parties = Parties {
        vendor: &state.context.vendor.name,
        tenant: tenant.name.as_str(),
    };
    let file = format
        .parse()
        .ok()
        .and_then(|format: TemplateFormat| format.file(&template_params, parties).ok().flatten());
    let file = file.ok_or_else(|| Problem::new(ProblemKind::NotFound, "There is no such file."))?;
    let headers = [
        (header::CONTENT_TYPE, format!("{}; charset=utf-8", file.media_type)),
        // A slug contains only letters, digits and hyphens, so it needs no escaping.
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"latchkey-{}.{}\"", tenant.slug, file.extension),
        ),
    ];
    Ok((headers, file.text).into_response())
}
