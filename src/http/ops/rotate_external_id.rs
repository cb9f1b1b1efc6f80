//! `POST /v1/tenants/{tenant}/external-id/rotate`

use axum::Json;
use axum::extract::State as Extract;

use crate::domain::tenant::IllegalChange;
use crate::http::State;
use crate::http::auth::Operator;
use crate::http::extract::TenantPath;
use crate::http::problem::{self, Kind, Problem};
use crate::http::views::TenantView;
use crate::service::rotate_external_id::{Error, rotate};
use crate::store;

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let detail = match error {
            Error::UnknownTenant => return Self::unknown_tenant(),
            Error::Illegal(IllegalChange::Offboarded) => return Self::offboarded(),
            Error::Store(error) => return store::Error::into(error),
            Error::Illegal(illegal) => format!("The external ID cannot be changed now: {illegal}."),
            Error::NothingActive => "This tenant has no verified storage yet, so its external ID is in use nowhere.".into(),
            Error::UnderWay => {
                "A rotation is under way: prove the next external ID or take it back, and end the previous one, before another begins."
                    .into()
            }
            Error::NothingIssued => "There is no external ID that waits to be proven, so there is nothing to take back.".into(),
            Error::NoPrevious => "There is no previous external ID: no rotation is under way, or its new one is not proven yet.".into(),
            Error::AnotherWaits(id) => format!("The verification {id} is under way; ask again when it has ended."),
        };
        Self::new(Kind::Conflict, detail)
    }
}

/// Issue the next external ID
///
/// Templates accept both from now on. The next verification of the active version proves the new one, and puts it into use.
#[utoipa::path(
    post, path = "/v1/tenants/{tenant}/external-id/rotate", tag = "external-id",
    params(("tenant" = String, Path, description = "Id or slug")),
    responses(
        (status = 200, body = TenantView),
        (status = "4XX", body = problem::Body, content_type = "application/problem+json"),
    )
)]
pub async fn handle(
    Extract(state): Extract<State>,
    Operator(caller): Operator,
    TenantPath(tenant): TenantPath,
) -> Result<Json<TenantView>, Problem> {
    Ok(Json(rotate(&state.context, &caller, &tenant).await?.into()))
}
