//! `POST /onboard/verify`: verify the newest version again.

use axum::extract::State as Extract;
use axum::response::Redirect;
use serde::Deserialize;

use super::refusal::Refusal;
use super::visitor::Posted;
use crate::domain::ids::TenantRef;
use crate::http::State;
use crate::service::read;
use crate::service::request_verification::{Error, request_verification};

#[derive(Debug, Deserialize)]
pub struct Nothing {}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error {
            Error::Offboarded => Self::Offboarded,
            Error::UnknownTenant => Self::UnknownLink,
            // Somebody else sent something newer in the same moment: the page shows it.
            Error::NothingSubmitted | Error::NotThatVersion | Error::AnotherWaits(_) => Self::StaleForm,
            Error::Store(error) => error.into(),
        }
    }
}

pub async fn handle(Extract(state): Extract<State>, Posted { visitor, .. }: Posted<Nothing>) -> Result<Redirect, Refusal> {
    state.desk.limits.verification(visitor.invite.id)?;
    let newest = read::config_list(&state.context, visitor.tenant.id).await?.into_iter().next();
    let version = newest.map(|newest| newest.version);
    let tenant = TenantRef::Id(visitor.tenant.id);
    match request_verification(&state.context, &visitor.caller(), &tenant, version).await {
        Ok(_) | Err(Error::AnotherWaits(_)) => Ok(Redirect::to("/onboard/verify")),
        Err(Error::NothingSubmitted) => Ok(Redirect::to("/onboard/send")),
        Err(error) => Err(error.into()),
    }
}
