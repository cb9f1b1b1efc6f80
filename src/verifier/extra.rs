//! Calls that prove what the vendor asks for beyond what Latchkey needs: with the tenant's access, and by callers that must be denied.

use super::VerificationRun;
use super::calls::{PendingCall, pending};
use super::run_state::RunState;
use crate::cloud::AwsSession;
use crate::domain::api_result::ApiResult;
use crate::domain::evidence::ProductionCalls;
use crate::domain::extra_action::ExtraCall;

/// Whether the probe object must not be deleted before the call was answered.
pub(super) fn needs_object(call: ExtraCall) -> bool {
    matches!(call, ExtraCall::Object(_))
}

/// The call with the session that production will use, or None while an input is missing.
pub(super) fn start<'a>(call: ExtraCall, run: &'a VerificationRun<'a>, state: &RunState) -> Option<PendingCall<'a>> {
    let session = state.production.as_ref()?;
    let (evidence, mode) = (&state.evidence, run.subject.storage.mode());
    let calls = match call {
        ExtraCall::Key(_) => evidence.production_calls_to_key(mode),
        ExtraCall::Object(_) | ExtraCall::Bucket(_) => evidence.production_calls_to_bucket(mode),
    };
    (calls == ProductionCalls::Allowed).then_some(())?;
    let object = object(call, run, state)?;
    Some(pending(
        needs_object(call),
        make(call, run, Some(session.clone()), object),
        move |state, answer| {
            state.evidence.extra.insert(call, answer);
        },
    ))
}

/// The key of the object that the call is about, empty for a call that is about none. None while there is no object yet.
pub(super) fn object(call: ExtraCall, run: &VerificationRun, state: &RunState) -> Option<String> {
    if needs_object(call) {
        state.readable(&run.subject.probe_key).map(str::to_owned)
    } else {
        Some(String::new())
    }
}

pub(super) async fn make(call: ExtraCall, run: &VerificationRun<'_>, session: Option<AwsSession>, object: String) -> ApiResult {
    let cloud = run.cloud;
    match (call, &session) {
        (ExtraCall::Object(extra), _) => cloud.call_extra_on_object(&run.bucket(session.as_ref()), extra, &object).await,
        (ExtraCall::Key(extra), Some(session)) => cloud.call_extra_on_key(&run.key(session), extra).await,
        (ExtraCall::Bucket(extra), _) => {
            cloud
                .call_extra_on_bucket(&run.bucket(session.as_ref()), extra, &run.list_prefix)
                .await
        }
        // Without a session, only the bucket is called.
        (ExtraCall::Key(_), None) => cloud.list_objects(&run.bucket(None), &run.list_prefix).await,
    }
}
