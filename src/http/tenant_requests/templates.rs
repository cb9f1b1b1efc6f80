//! The documents that a tenant has to apply, in any format.

use axum::Json;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::domain::templates::Parties;
use crate::domain::templates::format::TemplateFormat;
use crate::domain::tenant::Tenant;
use crate::domain::text::FieldError;
use crate::http::AppState;
use crate::http::conventions::problem::Problem;
use crate::http::views::DocumentsView;
use crate::service::issue_templates::{TypedParams, fill, issue_documents, numbered};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct TemplateParams {
    /// `assume_role` or `direct`. Defaults to the first mode that the tenant may use.
    mode: Option<String>,
    /// `json` (the default) for all documents, or `cloudformation`, `terraform` or `cli` for one file.
    format: Option<String>,
    /// The bucket's name. Omitted values become placeholders.
    bucket: Option<String>,
    key_arn: Option<String>,
    role_name: Option<String>,
    /// The account of the role.
    account_id: Option<String>,
    /// The account of the bucket. Defaults to the account of the role or, in the mode `direct`, of the key.
    bucket_account_id: Option<String>,
    /// The prefix of all object keys, which ends with a slash. Defaults to the whole bucket.
    prefix: Option<String>,
    /// `read_write` or `read`. Defaults to the first of the levels that the vendor offers.
    access: Option<String>,
    /// The path of the role that the customer creates, such as `/vendors/`. Defaults to `/`.
    role_path: Option<String>,
    /// The ARN of a managed policy that limits what this role can be granted.
    permissions_boundary: Option<String>,
    /// The tags of the role, the key and the bucket that the documents create, such as `Team=Records,Stage=prod`.
    tags: Option<String>,
    /// Whether to grant the permissions that the checks of the bucket's posture need. Defaults to the vendor's setting.
    posture: Option<bool>,
}

/// The documents, filled in with the given values.
pub(crate) async fn issue(state: &AppState, tenant: &Tenant, params: TemplateParams) -> Result<Response, Problem> {
    let mut faults = Vec::new();
    let format = params
        .format
        .as_deref()
        .map_or(Some(TemplateFormat::Json), |text| text.parse().ok());
    if format.is_none() {
        faults.push(FieldError::new(
            "format",
            "unknown_format",
            format!("unknown format; use one of {}", TemplateFormat::names()),
        ));
    }
    let typed = TypedParams {
        mode: params.mode,
        bucket: params.bucket,
        key_arn: params.key_arn,
        role_name: params.role_name,
        account_id: params.account_id,
        bucket_account_id: params.bucket_account_id,
        prefix: params.prefix,
        access: params.access,
        role_path: params.role_path,
        permissions_boundary: params.permissions_boundary,
        tags: params.tags,
        posture: params.posture,
    };
    let template_params = fill(&state.context, tenant, &typed).map_err(|found| faults.extend(found)).ok();
    let (Some(format), Some(template_params)) = (format, template_params) else {
        return Err(Problem::validation(faults));
    };
    let template_params = numbered(&state.context, template_params).await?;
    let parties = Parties {
        vendor: &state.context.vendor.name,
        tenant: tenant.name.as_str(),
    };
    let file = format.file(&template_params, parties).map_err(|several| {
        let fault = FieldError::new("format", "several_accounts", several.to_string());
        Problem::validation(vec![fault])
    })?;
    let Some(file) = file else {
        return Ok(Json(DocumentsView::from(issue_documents(&state.context, &template_params))).into_response());
    };
    // A slug contains only letters, digits and hyphens, so it needs no escaping.
    let disposition = format!("attachment; filename=\"latchkey-{}.{}\"", tenant.slug, file.extension);
    let headers = [
        (header::CONTENT_TYPE, format!("{}; charset=utf-8", file.media_type)),
        (header::CONTENT_DISPOSITION, disposition),
    ];
    Ok((headers, file.text).into_response())
}
