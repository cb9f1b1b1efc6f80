//! `POST /v1/tenants/{tenant}/templates/merge`

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::domain::ids::TenantRef;
use crate::domain::templates::merge::MergeTarget;
use crate::http::AppState;
use crate::http::auth::{Authorized, Reader};
use crate::http::conventions::extract::{InPath, JsonBody};
use crate::http::conventions::problem::{self, Problem};
use crate::http::lookup::find_tenant;
use crate::http::views::MergedDocumentView;
use crate::service::issue_templates::TypedParams;
use crate::service::merge_template::{MergeRequest, merge_template};

#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct MergeTemplate {
    #[schema(required, nullable = false, value_type = MergeTarget)]
    document: Option<String>,
    /// The current policy, as a JSON object or as a string. Send an empty string if the bucket has no policy.
    #[schema(required, nullable = false, value_type = Value)]
    current: Option<Value>,
    /// `assume_role` or `direct`. Defaults to the first mode that the tenant may use.
    mode: Option<String>,
    /// The bucket's name. Required for a bucket policy.
    #[schema(example = "acme-documents")]
    bucket: Option<String>,
    key_arn: Option<String>,
    /// Required in the mode `assume_role`.
    role_name: Option<String>,
    /// The role's account in the mode `assume_role`. Defaults to the key's account.
    account_id: Option<String>,
    /// The prefix of all object keys, which ends with a slash. Defaults to the whole bucket.
    prefix: Option<String>,
    /// `read_write` or `read`. Defaults to the first level in the setting `LATCHKEY_ACCESS`.
    access: Option<String>,
    /// The path of the role in the mode `assume_role`. Defaults to `/`.
    #[schema(example = "/vendors/")]
    role_path: Option<String>,
    /// Whether to grant the permissions that the checks of the bucket's posture need. Defaults to the vendor's setting.
    posture: Option<bool>,
}

/// Merge the tenant's statements into an existing policy
///
/// Replaces the statements that have an issued Sid. Everything else keeps its content and order. Nothing is stored.
#[utoipa::path(
    operation_id = "mergeTemplate",
    post, path = "/v1/tenants/{tenant}/templates/merge", tag = "tenants", request_body = MergeTemplate,
    params(("tenant" = String, Path, description = "ID or slug")),
    responses(
        (status = 200, body = MergedDocumentView),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    _: Authorized<Reader>,
    InPath(tenant): InPath<TenantRef>,
    body: JsonBody<MergeTemplate>,
) -> Result<Json<MergedDocumentView>, Problem> {
    let tenant = find_tenant(&state, &tenant).await?;
    let JsonBody {
        value: body,
        mut unreadable,
    } = body;
    let typed = TypedParams {
        mode: body.mode,
        bucket: body.bucket,
        key_arn: body.key_arn,
        role_name: body.role_name,
        account_id: body.account_id,
        prefix: body.prefix,
        access: body.access,
        role_path: body.role_path,
        posture: body.posture,
        ..TypedParams::default()
    };
    let request = MergeRequest {
        document: body.document,
        current: body.current,
        typed,
    };
    match merge_template(&state.context, &tenant, request).await {
        Ok(merged) if unreadable.is_empty() => Ok(Json(merged.into())),
        judged => {
            // A field that could not be parsed is not missing.
            let judged = judged.err().into_iter().flatten();
            let found: Vec<_> = judged
                .filter(|fault| !unreadable.iter().any(|known| known.field == fault.field))
                .collect();
            unreadable.extend(found);
            Err(Problem::validation(unreadable))
        }
    }
}
