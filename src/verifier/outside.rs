//! Steps that call from outside of the vendor's network, with its own session. They must be denied.
//!
//! No call changes anything: a put is one that S3 cannot carry out.

use serde_json::json;

use super::VerificationRun;
use super::calls::{PendingCall, pending};
use super::run_state::RunState;
use crate::cloud::AwsSession;
use crate::domain::access_level::AccessLevel;
use crate::domain::api_result::ApiResult;
use crate::domain::evidence::ProductionCalls;
use crate::domain::storage_config::Access;
use crate::domain::templates::statements::policy;
use crate::domain::unauthorized::UnauthorizedCall;
use crate::domain::vendor_network::VendorNetwork;

/// The call, or None while an input is missing. Those on objects wait for one that is there.
pub(super) fn start<'a>(call: UnauthorizedCall, run: &'a VerificationRun<'a>, state: &RunState) -> Option<PendingCall<'a>> {
    use UnauthorizedCall as C;
    let cloud = run.cloud.outside()?;
    let session = state.production.as_ref()?;
    let (evidence, mode) = (&state.evidence, run.subject.storage.mode());
    let allowed = if call == C::DescribeKey {
        evidence.production_calls_to_key(mode)
    } else {
        evidence.production_calls_to_bucket(mode)
    };
    if allowed != ProductionCalls::Allowed {
        return None;
    }
    let probe = run.subject.probe_key.as_str();
    let object = state.readable(probe).map(str::to_owned);
    if matches!(call, C::Get | C::Put) && object.is_none() {
        return None;
    }
    let object = object.unwrap_or_default();
    let (bucket, key) = (run.bucket(Some(session)), run.key(session));
    let reads_sample = run.subject.storage.level == AccessLevel::Read;
    let sent = async move {
        match call {
            C::DescribeKey => cloud.describe_key(&key).await.map(drop),
            // Of an object of the customer's, no more than its first byte.
            C::Get if reads_sample => cloud.read_sample(&bucket, &object).await.map(drop),
            C::Get => cloud.get_object(&bucket, &object).await.map(drop),
            C::Put => cloud.try_put(&bucket, probe).await,
            _ => cloud.list_objects(&bucket, &run.list_prefix).await,
        }
    };
    Some(pending(needs_object(call), sent, move |state, answer| {
        state.evidence.outside.answers.insert(call, answer);
    }))
}

/// Whether the probe object must not be deleted before the call was answered.
pub(super) fn needs_object(call: UnauthorizedCall) -> bool {
    matches!(call, UnauthorizedCall::Get | UnauthorizedCall::Put)
}

/// A session that its own policy denies everything from outside. It is made only if a call was allowed, to tell a customer's policy
/// without the statement from a proxy that is not where it should be.
pub(super) fn control_session<'a>(run: &'a VerificationRun<'a>, state: &RunState) -> Option<PendingCall<'a>> {
    let network = run.network?;
    let outside = &state.evidence.outside;
    outside.answers.iter().find(|(call, answer)| call.was_allowed(answer))?;
    let (subject, vendor) = (run.subject, state.vendor.clone());
    if matches!(subject.storage.access, Access::AssumeRole { .. }) {
        vendor.as_ref()?;
    }
    let session = async move {
        let (policy, id) = (denying(network), &subject.external_id);
        match (&subject.storage.access, &vendor) {
            (Access::AssumeRole { role }, Some(vendor)) => {
                let by_role = run.cloud.client_session(vendor, role, Some(id), &run.session_name, Some(&policy));
                by_role.await
            }
            _ => {
                run.cloud
                    .tagged_session(&subject.vendor_role, id, &run.session_name, Some(&policy))
                    .await
            }
        }
    };
    Some(pending(false, session, |state, answer: ApiResult<AwsSession>| {
        state.control = answer.granted().cloned();
        state.evidence.outside.control_role = Some(answer.map(drop));
    }))
}

/// The list with that session.
pub(super) fn control<'a>(run: &'a VerificationRun<'a>, state: &RunState) -> Option<PendingCall<'a>> {
    let cloud = run.cloud.outside()?;
    let bucket = run.bucket(Some(state.control.as_ref()?));
    let list = async move { cloud.list_objects(&bucket, &run.list_prefix).await };
    Some(pending(false, list, |state, answer| {
        state.evidence.outside.control = Some(answer);
    }))
}

fn denying(network: &VendorNetwork) -> String {
    policy(&[
        json!({"Effect": "Allow", "Action": "*", "Resource": "*"}),
        json!({"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": network.elsewhere()}),
    ])
    .to_string()
}
