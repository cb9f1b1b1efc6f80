//! `POST /v1/tokens`

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use chrono::TimeDelta;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::ids::TenantRef;
use crate::domain::text::FieldError;
use crate::domain::token::{Role, TokenLifetime};
use crate::http::AppState;
use crate::http::auth::{Administrator, Authorized};
use crate::http::conventions::extract::JsonBody;
use crate::http::conventions::problem::{self, Problem};
use crate::http::views::TokenView;
use crate::service::tokens::{CreateTokenError, create_limited_token, fault_of_name};

/// A century, where tokens are not limited.
const LONGEST: i64 = 24 * 36_500;

#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct CreateToken {
    /// A display name of 1 to 100 characters.
    #[schema(required, nullable = false, min_length = 1, max_length = 100, example = "billing-service")]
    name: Option<String>,
    #[schema(required, nullable = false, value_type = Role)]
    role: Option<String>,
    /// The token's lifetime in hours: 90 days if omitted, and at most `LATCHKEY_TOKEN_MAX_LIFETIME_DAYS`, by default 365 days.
    #[schema(minimum = 1, maximum = 876_000)]
    expires_in_hours: Option<i64>,
    /// Creates a token that never expires. Only possible if `LATCHKEY_TOKEN_MAX_LIFETIME_DAYS` is 0.
    never_expires: Option<bool>,
    /// The tenants that the token may read, by ID or slug. Only for the role `service`. Defaults to all tenants.
    tenants: Option<Vec<String>>,
}

/// The only response that contains a token's secret.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CreatedToken {
    /// The secret. It is only shown once.
    token: String,
    #[serde(flatten)]
    about: TokenView,
}

/// Create a token
///
/// The secret is only shown once.
#[utoipa::path(
    operation_id = "createToken",
    post, path = "/v1/tokens", tag = "tokens", request_body = CreateToken,
    responses(
        (status = 201, body = CreatedToken),
        (status = "4XX", body = problem::ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn handle(
    State(state): State<AppState>,
    Authorized(caller, ..): Authorized<Administrator>,
    body: JsonBody<CreateToken>,
) -> Result<(StatusCode, [(header::HeaderName, &'static str); 1], Json<CreatedToken>), Problem> {
    let mut faults = body.unreadable;
    let role = body.value.role.as_deref().and_then(|text| text.trim().parse::<Role>().ok());
    if role.is_none() && faults.iter().all(|fault| fault.field != "role") {
        let detail = "role must be viewer, ops, service or admin";
        faults.push(FieldError::new("role", "unknown_role", detail));
    }
    let hours = body.value.expires_in_hours;
    let longest = state.context.limits.token_lifetime.map_or(LONGEST, |longest| longest.num_hours());
    if hours.is_some_and(|hours| !(1..=longest).contains(&hours)) {
        let detail =
            format!("expires_in_hours must be between 1 and {longest}; omit it for 90 days or the longest time, if that is shorter");
        faults.push(FieldError::new("expires_in_hours", "out_of_range", detail));
    }
    let lifetime = match (body.value.never_expires, hours.and_then(TimeDelta::try_hours)) {
        (Some(true), None) => TokenLifetime::Never,
        (_, Some(lifetime)) => TokenLifetime::For(lifetime),
        (_, None) => TokenLifetime::Default,
    };
    if body.value.never_expires == Some(true) && hours.is_some() {
        let detail = "send either never_expires or expires_in_hours";
        faults.push(FieldError::new("never_expires", "contradiction", detail));
    }
    let mut tenants = Vec::new();
    for (at, tenant) in body.value.tenants.iter().flatten().enumerate() {
        match TenantRef::parse(tenant) {
            Ok(tenant) => tenants.push(tenant),
            Err(malformed) => faults.push(FieldError::of(&format!("tenants[{at}]"), malformed)),
        }
    }
    let tenants = body.value.tenants.is_some().then_some(tenants);
    let name = body.value.name.unwrap_or_default();
    // A field of the wrong type was already reported.
    if faults.iter().all(|fault| fault.field != "name") {
        faults.extend(fault_of_name(&name));
    }
    let (Some(role), true) = (role, faults.is_empty()) else {
        return Err(Problem::validation(faults));
    };
    let made = create_limited_token(&state.context, &caller, &name, role, lifetime, tenants.as_deref()).await;
    let (token, text) = made.map_err(|error| match error {
        CreateTokenError::Invalid(faults) => Problem::validation(faults),
        CreateTokenError::Store(error) => error.into(),
    })?;
    let answer = CreatedToken {
        token: text.expose_secret().to_owned(),
        about: token.into(),
    };
    Ok((StatusCode::CREATED, [(header::CACHE_CONTROL, "no-store")], Json(answer)))
}
