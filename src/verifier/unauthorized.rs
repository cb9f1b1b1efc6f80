//! Steps that must be denied: by the bucket and the key, to callers without the tenant's external ID.

use super::calls::{PendingCall, pending};
use super::run_state::RunState;
use super::{VerificationRun, extra};
use crate::cloud::CallMode;
use crate::domain::access_level::AccessLevel;
use crate::domain::evidence::ProductionCalls;
use crate::domain::storage_config::Mode;
use crate::domain::unauthorized::{UnauthorizedCall, UnauthorizedCaller};

/// Whether the probe object must not be deleted before the call was answered.
pub(super) fn needs_object(call: UnauthorizedCall) -> bool {
    use UnauthorizedCall::{Get, Put, Restore};
    match call {
        UnauthorizedCall::Extra(call) => extra::needs_object(call),
        call => matches!(call, Get | Restore | Put),
    }
}

/// The call, or None while an input is missing.
///
/// No call changes anything: those on the key are reads or dry runs, a put is one that S3 cannot carry out, and the object is
/// deleted when it is about to be deleted anyway.
pub(super) fn start<'a>(
    caller: UnauthorizedCaller,
    call: UnauthorizedCall,
    run: &'a VerificationRun<'a>,
    state: &RunState,
) -> Option<PendingCall<'a>> {
    use UnauthorizedCall as C;
    let session = match caller {
        UnauthorizedCaller::Anonymous => None,
        _ => Some(state.unauthorized_sessions.get(&caller)?),
    };
    // In `assume_role`, only STS is called until the role has denied everybody else.
    if run.subject.storage.mode() == Mode::AssumeRole
        && state.evidence.production_calls_to_bucket(Mode::AssumeRole) != ProductionCalls::Allowed
    {
        return None;
    }
    let is_too_early = match call {
        C::Extra(call) => extra::object(call, run, state).is_none(),
        C::Get | C::Restore => state.readable(&run.subject.probe_key).is_none(),
        // Conclusive without an object, too: a bucket that denies our own put may allow those of others.
        C::Put if run.subject.storage.level == AccessLevel::ReadWrite => {
            state.evidence.put.is_none() && state.evidence.known_versions.is_none()
        }
        C::Put => state.evidence.sample.is_none(),
        // Of an object that is not there, it would leave a delete marker in a bucket with versioning.
        C::Delete => !state.deletes_written(),
        _ => false,
    };
    if is_too_early {
        return None;
    }
    let ciphertext = match call {
        C::Decrypt | C::Reencrypt => state.ciphertext.clone()?,
        _ => Vec::new(),
    };
    let (cloud, bucket) = (run.cloud, run.bucket(session));
    let key = session.map(|session| run.key(session));
    let probe = run.subject.probe_key.as_str();
    let object = state.readable(probe).unwrap_or(probe).to_owned();
    let session = session.cloned();
    let reads_sample = run.subject.storage.level == AccessLevel::Read;
    let made = async move {
        match (call, &key) {
            (C::Extra(call), _) => extra::make(call, run, session, object).await,
            // Of an object of the customer's, no more than its first byte.
            (C::Get, _) if reads_sample => cloud.read_sample(&bucket, &object).await.map(drop),
            (C::Get, _) => cloud.get_object(&bucket, &object).await.map(drop),
            (C::Restore, _) => cloud.restore_object(&bucket, probe).await,
            (C::Put, _) => cloud.try_put(&bucket, probe).await,
            (C::Delete, _) => cloud.delete_object(&bucket, probe).await.map(drop),
            (C::DescribeKey, Some(key)) => cloud.describe_key(key).await.map(drop),
            (C::Encrypt, Some(key)) => cloud.encrypt(key, &run.plaintext, CallMode::Dry).await.map(drop),
            (C::GenerateDataKey, Some(key)) => cloud.generate_data_key(key).await,
            (C::GenerateDataKeyWithoutPlaintext, Some(key)) => cloud.generate_data_key_without_plaintext(key).await,
            (C::Decrypt, Some(key)) => cloud.decrypt(key, &ciphertext, CallMode::Dry).await.map(drop),
            (C::Reencrypt, Some(key)) => cloud.reencrypt(key, &ciphertext).await,
            // Without a session, only the bucket is called.
            (C::List, _) | (_, None) => cloud.list_objects(&bucket, &run.list_prefix).await,
        }
    };
    Some(pending(needs_object(call), made, move |state, answer| {
        state.unauthorized_mut(caller).answers.insert(call, answer);
    }))
}
