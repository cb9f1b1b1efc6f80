//! `POST /onboard/verify`: verify the newest version again.

use axum::extract::State;
use axum::response::Redirect;
use serde::Deserialize;

use super::rejection::Rejection;
use super::session::Posted;
use crate::domain::ids::TenantRef;
use crate::http::AppState;
use crate::service::read;
use crate::service::request_verification::{RequestVerificationError, request_verification};

#[derive(Debug, Deserialize)]
pub(crate) struct EmptyForm {}

impl From<RequestVerificationError> for Rejection {
    fn from(error: RequestVerificationError) -> Self {
        match error {
            RequestVerificationError::Offboarded => Self::Offboarded,
            RequestVerificationError::UnknownTenant(_) => Self::UnknownLink,
            // A newer version was submitted at the same time; the page shows it.
            RequestVerificationError::NothingSubmitted
            | RequestVerificationError::NotThatVersion
            | RequestVerificationError::AnotherWaits(_) => Self::StaleForm,
            RequestVerificationError::TooMany { seconds } => Self::TooManyToday { seconds },
            RequestVerificationError::Store(error) => error.into(),
        }
    }
}

pub(crate) async fn handle(State(state): State<AppState>, Posted { session, .. }: Posted<EmptyForm>) -> Result<Redirect, Rejection> {
    state.limits.verification(session.invite.id)?;
    let newest = read::storage_configs::newest(&state.context, session.tenant.id).await?;
    let version = newest.map(|newest| newest.version);
    let tenant = TenantRef::Id(session.tenant.id);
    match request_verification(&state.context, &session.caller(), &tenant, version).await {
        Ok(_) | Err(RequestVerificationError::AnotherWaits(_)) => Ok(Redirect::to("/onboard/verify")),
        Err(RequestVerificationError::NothingSubmitted) => Ok(Redirect::to("/onboard/send")),
        Err(error) => Err(error.into()),
    }
}
