//! `POST /v1/validate`

use axum::Json;
use axum::extract::State;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::domain::ids::TenantRef;
use crate::domain::tenant::{Tenant, TenantStatus};
use crate::domain::text::FieldError;
use crate::http::AppState;
use crate::http::auth::{Authorized, Reader};
use crate::http::conventions::extract::{self, JsonBody};
use crate::http::conventions::problem::{self, Problem};
use crate::http::tenant_requests::judgement::ConfigJudgement;
use crate::http::tenant_requests::submission::SubmitStorageConfig;
use crate::service::read;
use crate::service::validate_config::validate_config;

/// A submission, and the tenant to judge it for.
#[derive(ToSchema)]
#[allow(
    dead_code,
    reason = "it describes JSON that is read in two parts, so that unknown fields are reported"
)]
pub(crate) struct ValidateStorageConfig {
    /// ID or slug of the tenant that would submit this. With it, the external ID, the tenant's modes and the claims of other tenants
    /// are judged, too.
    #[schema(nullable = false, example = "acme")]
    tenant: Option<String>,
    #[serde(flatten)]
    submission: SubmitStorageConfig,
}

/// Validate a submission without storing it
///
/// Does not call AWS. Name a tenant to have the external ID, the tenant's modes and the claims of other tenants judged; otherwise only the format of the external ID is. The response says what was not judged.
#[utoipa::path(
    operation_id = "validateStorageConfig",
    post, path = "/v1/validate", tag = "storage configs", request_body = ValidateStorageConfig,
    responses(
        (status = 200, body = ConfigJudgement),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    _: Authorized<Reader>,
    body: JsonBody<Map<String, Value>>,
) -> Result<Json<ConfigJudgement>, Problem> {
    let mut members = body.value;
    let named = members.shift_remove("tenant");
    let submission = extract::read::<SubmitStorageConfig>(Value::Object(members))?;
    let mut submission = submission.submission();
    let tenant = match find(&state, named).await? {
        Ok(tenant) => tenant,
        Err(fault) => {
            submission.unreadable.push(fault);
            None
        }
    };
    let validated = validate_config(&state.context, tenant.as_ref(), &submission).await?;
    Ok(Json(ConfigJudgement::new(&submission, validated)))
}

/// The tenant that the body names, or what is wrong with it.
async fn find(state: &AppState, named: Option<Value>) -> Result<Result<Option<Tenant>, FieldError>, Problem> {
    let fault = |code, detail: String| Ok(Err(FieldError::new("tenant", code, detail)));
    let text = match named {
        None | Some(Value::Null) => return Ok(Ok(None)),
        Some(Value::String(text)) => text,
        Some(_) => return fault("wrong_type", "the tenant is a string: its ID or slug".into()),
    };
    let found = match TenantRef::parse(text.trim()) {
        Ok(tenant) => read::tenants::find(&state.context, &tenant).await?,
        Err(malformed) => return fault(malformed.code, malformed.detail),
    };
    match found {
        None => fault("unknown_tenant", "there is no tenant with this ID or slug".into()),
        Some(tenant) if tenant.status() == TenantStatus::Offboarded => {
            fault("offboarded", "this tenant is offboarded and can no longer be changed".into())
        }
        tenant => Ok(Ok(tenant)),
    }
}
