//! `POST /onboard/send`: submits the form and starts its verification.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};

use super::rejection::Rejection;
use super::send::{Judged, SendForm, page};
use super::session::Posted;
use crate::domain::invite::InviteState;
use crate::http::AppState;
use crate::service::read;
use crate::service::request_verification::RequestVerificationError;
use crate::service::submit_by_customer::{CustomerSubmissionError, submit_by_customer};
use crate::service::submit_config::SubmitConfigError;

pub(crate) async fn handle(State(state): State<AppState>, Posted { session, mut form }: Posted<SendForm>) -> Result<Response, Rejection> {
    let context = &state.context;
    let mode = form.mode(context, &session.tenant)?;
    if let Some(field) = form.take.take() {
        form.take(&field, context, &session.tenant, mode);
        return page(&state, &session, &form, Judged::WhatIsThere, None);
    }
    if form.validate(context, &session.tenant, mode).is_err() {
        let newest = read::storage_configs::newest(context, session.tenant.id).await?;
        return page(&state, &session, &form, Judged::Whole, newest.map(|newest| newest.version));
    }
    state.limits.verification(session.invite.id)?;
    let submitted = submit_by_customer(context, &session.caller(), &session.tenant, &form.submission(mode)).await;
    let error = match submitted {
        Ok(_) | Err(CustomerSubmissionError::Verify(RequestVerificationError::AnotherWaits(_))) => {
            return Ok(Redirect::to("/onboard/verify").into_response());
        }
        Err(CustomerSubmissionError::Verify(error)) => return Err(error.into()),
        Err(CustomerSubmissionError::Submit(error)) => error,
    };
    let judged = match error {
        SubmitConfigError::Invalid(_) => Judged::Whole,
        SubmitConfigError::LimitReached(limit) => Judged::LimitReached(limit),
        SubmitConfigError::NeedsChangeInvite => return Err(Rejection::NeedsChangeLink),
        SubmitConfigError::InviteEnded(InviteState::Expired) => return Err(Rejection::Expired),
        SubmitConfigError::InviteEnded(_) => return Err(Rejection::Revoked),
        SubmitConfigError::Offboarded => return Err(Rejection::Offboarded),
        SubmitConfigError::UnknownTenant(_) => return Err(Rejection::UnknownLink),
        SubmitConfigError::Store(error) => return Err(error.into()),
    };
    let newest = read::storage_configs::newest(context, session.tenant.id).await?;
    page(&state, &session, &form, judged, newest.map(|newest| newest.version))
}
