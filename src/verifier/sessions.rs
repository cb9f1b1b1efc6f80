//! Steps that assume a role.

use strum::EnumIter;

use super::Run;
use super::calls::{PendingCall, pending};
use super::run_state::{RunState, Unauthorized};
use crate::cloud::AwsSession;
use crate::domain::api_result::ApiResult;
use crate::domain::storage_config::Access;

/// The external ID with which the customer's role is assumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumIter)]
pub(super) enum ClientExternalId {
    /// The tenant's own: the role must accept it.
    Issued,
    Missing,
    Random,
    /// The one that a rotation has retired.
    Retired,
}

pub(super) fn assume_vendor_role<'a>(run: &'a Run<'a>) -> PendingCall<'a> {
    let subject = run.subject;
    match &subject.storage.access {
        Access::AssumeRole { .. } => pending(false, run.cloud.storage_session(&subject.vendor_role), |state, answer| {
            (state.evidence.vendor_role, state.vendor) = split(answer);
        }),
        Access::Direct => pending(
            false,
            run.cloud
                .tagged_session(&subject.vendor_role, &subject.external_id, &run.session_name),
            |state, answer| (state.evidence.vendor_role, state.production) = split(answer),
        ),
    }
}

pub(super) fn assume_client_role<'a>(id: ClientExternalId, run: &'a Run<'a>, state: &RunState) -> Option<PendingCall<'a>> {
    let Access::AssumeRole { role } = &run.subject.storage.access else {
        return None;
    };
    let external_id = match id {
        ClientExternalId::Issued => Some(&run.subject.external_id),
        ClientExternalId::Missing => None,
        ClientExternalId::Random => Some(&run.random_id),
        ClientExternalId::Retired => Some(run.subject.retired_id.as_ref()?),
    };
    let vendor = state.vendor.clone()?;
    let call = async move { run.cloud.client_session(&vendor, role, external_id, &run.session_name).await };
    Some(pending(false, call, move |state, answer| {
        let (answer, session) = split(answer);
        let evidence = &mut state.evidence;
        match id {
            ClientExternalId::Issued => {
                evidence.client_role = answer;
                state.production = session;
            }
            ClientExternalId::Missing => evidence.client_role_without_id = answer,
            ClientExternalId::Random => evidence.client_role_with_random_id = answer,
            ClientExternalId::Retired => evidence.client_role_with_retired_id = answer,
        }
    }))
}

pub(super) fn assume_as<'a>(who: Unauthorized, run: &'a Run<'a>) -> PendingCall<'a> {
    let (cloud, role) = (run.cloud, &run.subject.vendor_role);
    let session = match who {
        Unauthorized::Untagged => cloud.untagged_session(role),
        Unauthorized::Mistagged => cloud.tagged_session(role, &run.random_id, &run.session_name),
        Unauthorized::Retired => {
            let retired = run.subject.retired_id.as_ref().unwrap_or(&run.random_id);
            cloud.tagged_session(role, retired, &run.session_name)
        }
    };
    pending(false, session, move |state, answer| {
        let (probe, session) = state.unauthorized_mut(who);
        (probe.role, *session) = split(answer);
    })
}

/// Separates the evidence from the session, so that rules never see credentials.
fn split(answer: ApiResult<AwsSession>) -> (Option<ApiResult>, Option<AwsSession>) {
    let session = answer.granted().cloned();
    (Some(answer.map(drop)), session)
}
