//! Steps that assume a role.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::json;
use strum::EnumIter;

use super::VerificationRun;
use super::calls::{PendingCall, pending};
use super::run_state::RunState;
use crate::cloud::AwsSession;
use crate::domain::api_result::ApiResult;
use crate::domain::storage_config::Access;
use crate::domain::templates::statements::policy;
use crate::domain::unauthorized::UnauthorizedCaller;

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

pub(super) fn assume_vendor_role<'a>(run: &'a VerificationRun<'a>) -> PendingCall<'a> {
    let subject = run.subject;
    match &subject.storage.access {
        Access::AssumeRole { .. } => pending(false, run.cloud.storage_session(&subject.vendor_role), |state, answer| {
            state.record_unauthorized_role(UnauthorizedCaller::StorageRole, answer.clone());
            (state.evidence.vendor_role, state.vendor) = split(answer);
        }),
        Access::Direct => {
            let tagged = async move {
                let policy = no_put_from(subject.put_until);
                let (role, id) = (&subject.vendor_role, &subject.external_id);
                run.cloud.tagged_session(role, id, &run.session_name, Some(&policy)).await
            };
            pending(false, tagged, |state, answer| {
                (state.evidence.vendor_role, state.production) = split(answer);
            })
        }
    }
}

pub(super) fn assume_client_role<'a>(id: ClientExternalId, run: &'a VerificationRun<'a>, state: &RunState) -> Option<PendingCall<'a>> {
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
    let policy = (id == ClientExternalId::Issued).then(|| no_put_from(run.subject.put_until));
    let call = async move {
        let cloud = run.cloud;
        cloud
            .client_session(&vendor, role, external_id, &run.session_name, policy.as_deref())
            .await
    };
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

/// Across accounts, STS denies with the same words whether the caller's policies or the role's keep it out.
pub(super) fn ask_whether_vendor_may_assume<'a>(run: &'a VerificationRun<'a>, state: &RunState) -> Option<PendingCall<'a>> {
    let Access::AssumeRole { role } = &run.subject.storage.access else {
        return None;
    };
    let refusal = state.evidence.client_role.as_ref()?.refusal()?;
    refusal.may_be_of_the_caller().then_some(())?;
    let asked = run.cloud.simulate_assuming(&run.subject.vendor_role, role);
    Some(pending(false, asked, |state, answer| {
        state.evidence.vendor_may_assume = Some(answer);
    }))
}

/// With the tenant's external ID, so that only the principal of the trust policy can deny it.
pub(super) fn assume_client_role_by_other_role<'a>(run: &'a VerificationRun<'a>, state: &RunState) -> Option<PendingCall<'a>> {
    let Access::AssumeRole { role } = &run.subject.storage.access else {
        return None;
    };
    let other = state.unauthorized_sessions.get(&UnauthorizedCaller::CustomerFacingRole)?.clone();
    let (cloud, external_id) = (run.cloud, &run.subject.external_id);
    let call = async move { cloud.client_session(&other, role, Some(external_id), &run.session_name, None).await };
    Some(pending(false, call, |state, answer| {
        state.evidence.client_role_by_other_role = Some(answer.map(drop));
    }))
}

/// The same question for the other role, whose denial proves nothing if its own policies are the cause.
pub(super) fn ask_whether_other_role_may_assume<'a>(run: &'a VerificationRun<'a>, state: &RunState) -> Option<PendingCall<'a>> {
    let Access::AssumeRole { role } = &run.subject.storage.access else {
        return None;
    };
    let refusal = state.evidence.client_role_by_other_role.as_ref()?.refusal()?;
    refusal.may_be_of_the_caller().then_some(())?;
    let asked = run.cloud.simulate_assuming(run.subject.other_role.as_ref()?, role);
    Some(pending(false, asked, |state, answer| {
        state.evidence.other_role_may_assume = Some(answer);
    }))
}

/// A session for a caller that must be denied. None if the caller needs none.
pub(super) fn assume_as<'a>(caller: UnauthorizedCaller, run: &'a VerificationRun<'a>) -> Option<PendingCall<'a>> {
    let (cloud, subject) = (run.cloud, run.subject);
    let session = match caller {
        UnauthorizedCaller::Anonymous | UnauthorizedCaller::StorageRole => return None,
        UnauthorizedCaller::Untagged => cloud.untagged_session(&subject.vendor_role),
        UnauthorizedCaller::Mistagged => cloud.tagged_session(&subject.vendor_role, &run.random_id, &run.session_name, None),
        UnauthorizedCaller::Retired => cloud.tagged_session(&subject.vendor_role, subject.retired_id.as_ref()?, &run.session_name, None),
        UnauthorizedCaller::CustomerFacingRole => cloud.untagged_session(subject.other_role.as_ref()?),
    };
    Some(pending(false, session, move |state, answer| {
        state.record_unauthorized_role(caller, answer);
    }))
}

/// The session policy of the run's own session: everything that its role may do, but no put from that time on. So a put of a
/// worker that was suspended, and resumes after another one took over, is denied by AWS, however late it arrives.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-currenttime>
fn no_put_from(time: DateTime<Utc>) -> String {
    let time = time.to_rfc3339_opts(SecondsFormat::Secs, true);
    policy(&[
        json!({"Effect": "Allow", "Action": "*", "Resource": "*"}),
        json!({
            "Effect": "Deny",
            "Action": "s3:PutObject",
            "Resource": "*",
            "Condition": {"DateGreaterThanEquals": {"aws:CurrentTime": time}},
        }),
    ])
    .to_string()
}

/// Separates the evidence from the session, so that rules never see credentials.
fn split(answer: ApiResult<AwsSession>) -> (Option<ApiResult>, Option<AwsSession>) {
    let session = answer.granted().cloned();
    (Some(answer.map(drop)), session)
}
