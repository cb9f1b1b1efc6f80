//! `POST /v1/tenants/{tenant}/invites`

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::ids::{InviteId, TenantRef};
use crate::domain::invite::{InvitePurpose, lifetime, purpose};
use crate::domain::text::FieldError;
use crate::http::AppState;
use crate::http::auth::{Authorized, Operator};
use crate::http::conventions::extract::{InPath, JsonBody};
use crate::http::conventions::problem::{self, Problem};
use crate::service::create_invite::{CreateInviteError, NewInvite, create_invite};

#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct CreateInvite {
    /// The link's lifetime in hours, 1 to 2160. Defaults to 168.
    #[schema(minimum = 1, maximum = 2160, example = 168)]
    expires_in_hours: Option<i64>,
    /// `onboarding`: the link cannot replace storage that is in use. `change`: it can. Defaults to `onboarding` for a tenant without an
    /// active version, and to `change` otherwise.
    #[schema(value_type = Option<InvitePurpose>)]
    purpose: Option<String>,
    /// Whether to create a token of the customer's API as well.
    api_token: Option<bool>,
}

/// The invite with its link and its token, which are only shown once.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CreatedInvite {
    id: InviteId,
    purpose: InvitePurpose,
    #[schema(example = "https://storage.vendor.example/onboard/…")]
    url: String,
    /// For `Authorization: Bearer …` in the customer's API, on the public listener. Only if requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "lkc_…")]
    api_token: Option<String>,
    expires_at: DateTime<Utc>,
}

impl From<CreateInviteError> for Problem {
    fn from(error: CreateInviteError) -> Self {
        match error {
            CreateInviteError::UnknownTenant(_) => Self::unknown_tenant(),
            CreateInviteError::Offboarded => Self::offboarded(),
            CreateInviteError::Store(error) => error.into(),
        }
    }
}

/// Create an invite to the form
///
/// Anyone with the link or the token can view and submit this tenant's storage settings until the invite expires or is revoked.
#[utoipa::path(
    operation_id = "createInvite",
    post, path = "/v1/tenants/{tenant}/invites", tag = "invites",
    params(("tenant" = String, Path, description = "ID or slug")), request_body = Option<CreateInvite>,
    responses(
        (status = 201, body = CreatedInvite),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    Authorized(caller, ..): Authorized<Operator>,
    InPath(tenant): InPath<TenantRef>,
    body: JsonBody<CreateInvite>,
) -> Result<(StatusCode, [(header::HeaderName, &'static str); 1], Json<CreatedInvite>), Problem> {
    let mut faults = body.unreadable;
    let lifetime = body.value.expires_in_hours.map(lifetime).transpose();
    let lifetime = lifetime.map_err(|malformed| faults.push(FieldError::of("expires_in_hours", malformed)));
    let purpose = body.value.purpose.as_deref().map(purpose).transpose();
    let purpose = purpose.map_err(|malformed| faults.push(FieldError::of("purpose", malformed)));
    let (Ok(lifetime), Ok(purpose), true) = (lifetime, purpose, faults.is_empty()) else {
        return Err(Problem::validation(faults));
    };
    state.onboard_url("")?;
    let new = NewInvite {
        lifetime,
        purpose,
        api_token: body.value.api_token.unwrap_or_default(),
    };
    let created = create_invite(&state.context, &caller, &tenant, new).await?;
    let created = CreatedInvite {
        id: created.invite.id,
        purpose: created.invite.purpose,
        url: state.onboard_url(created.token.expose())?,
        api_token: created.api_token.map(|token| token.expose().to_owned()),
        expires_at: created.invite.expires_at,
    };
    Ok((StatusCode::CREATED, [(header::CACHE_CONTROL, "no-store")], Json(created)))
}
