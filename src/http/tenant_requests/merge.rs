//! A tenant's statements, merged into an existing policy.

use axum::Json;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::domain::templates::merge::MergeTarget;
use crate::domain::tenant::Tenant;
use crate::http::AppState;
use crate::http::conventions::extract::JsonBody;
use crate::http::conventions::problem::Problem;
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
    /// `read_write` or `read`. Defaults to the first of the levels that the vendor offers.
    access: Option<String>,
    /// The path of the role in the mode `assume_role`. Defaults to `/`.
    #[schema(example = "/vendors/")]
    role_path: Option<String>,
    /// Whether to grant the permissions that the checks of the bucket's posture need. Defaults to the vendor's setting.
    posture: Option<bool>,
}

/// The complete policy, or every invalid field.
pub(crate) async fn merge(state: &AppState, tenant: &Tenant, body: JsonBody<MergeTemplate>) -> Result<Json<MergedDocumentView>, Problem> {
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
    match merge_template(&state.context, tenant, request).await {
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
