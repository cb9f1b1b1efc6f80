//! `POST /onboard/send`: submits the form and starts its verification.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};

use super::rejection::Rejection;
use super::send::{Judged, SendForm, page};
use super::session::Posted;
use crate::domain::approval::ApprovalState;
use crate::domain::ids::TenantRef;
use crate::domain::invite::InviteState;
use crate::domain::storage_config::StorageConfig;
use crate::http::AppState;
use crate::service::request_verification::request_verification;
use crate::service::submit_config::{self, submit_config};
use crate::service::{Context, read, request_verification};

pub(crate) async fn handle(State(state): State<AppState>, Posted { session, mut form }: Posted<SendForm>) -> Result<Response, Rejection> {
    let context = &state.context;
    let mode = form.mode(context, &session.tenant)?;
    if let Some(field) = form.take.take() {
        form.take(&field, context, &session.tenant, mode);
        return page(&state, &session, &form, Judged::WhatIsThere, None);
    }
    let newest = read::storage_configs::newest(context, session.tenant.id).await?;
    let version = newest.as_ref().map(|newest| newest.version);
    let Ok(storage) = form.validate(context, &session.tenant, mode) else {
        return page(&state, &session, &form, Judged::Whole, version);
    };
    state.onboarding.limits.verification(session.invite.id)?;
    let tenant = TenantRef::Id(session.tenant.id);
    // A second click or tab sends the same values again, which creates no new version.
    let same = match newest.filter(|newest| newest.storage == storage) {
        // A declined version cannot be activated, so the same values make a new one, which needs an approval of its own.
        Some(same) if is_declined(context, &same).await? => None,
        other => other,
    };
    if let Some(newest) = same {
        return match request_verification(context, &session.caller(), &tenant, Some(newest.version)).await {
            Ok(_) | Err(request_verification::RequestVerificationError::AnotherWaits(_)) => {
                Ok(Redirect::to("/onboard/verify").into_response())
            }
            Err(error) => Err(error.into()),
        };
    }
    match submit_config(context, &session.caller(), &tenant, &form.submission(mode)).await {
        Ok(_) => Ok(Redirect::to("/onboard/verify").into_response()),
        Err(submit_config::SubmitConfigError::Invalid(_)) => page(&state, &session, &form, Judged::Whole, version),
        Err(submit_config::SubmitConfigError::NeedsChangeInvite) => Err(Rejection::NeedsChangeLink),
        Err(submit_config::SubmitConfigError::InviteEnded(InviteState::Expired)) => Err(Rejection::Expired),
        Err(submit_config::SubmitConfigError::InviteEnded(_)) => Err(Rejection::Revoked),
        Err(submit_config::SubmitConfigError::LimitReached(limit)) => page(&state, &session, &form, Judged::LimitReached(limit), version),
        Err(submit_config::SubmitConfigError::Offboarded) => Err(Rejection::Offboarded),
        Err(submit_config::SubmitConfigError::UnknownTenant(_)) => Err(Rejection::UnknownLink),
        Err(submit_config::SubmitConfigError::Store(error)) => Err(error.into()),
    }
}

async fn is_declined(context: &Context, config: &StorageConfig) -> Result<bool, Rejection> {
    let approval = read::approvals::of_version(context, config.id).await?;
    Ok(approval.is_some_and(|approval| approval.state == ApprovalState::Declined))
}
