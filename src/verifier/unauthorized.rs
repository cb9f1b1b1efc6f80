//! Steps that must be denied: calls with the vendor's role in `direct`, without the tenant's tag.

use strum::EnumIter;

use super::calls::{PendingCall, pending};
use super::run_state::{RunState, Unauthorized};
use super::{PROBE_PREFIX, Run};
use crate::cloud::CallMode;

/// A call that must be denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumIter)]
pub(super) enum UnauthorizedCall {
    List,
    Get,
    Restore,
    Encrypt,
    GenerateDataKey,
    Decrypt,
    Reencrypt,
}

impl UnauthorizedCall {
    pub(crate) fn needs_object(self) -> bool {
        matches!(self, Self::Get | Self::Restore)
    }

    /// The call, or None while an input is missing. A call that could change something is a dry run.
    pub(crate) fn start<'a>(self, who: Unauthorized, run: &'a Run<'a>, state: &RunState) -> Option<PendingCall<'a>> {
        let session = state.unauthorized_session(who)?;
        if self.needs_object() && !state.has_written() {
            return None;
        }
        let ciphertext = match self {
            Self::Decrypt | Self::Reencrypt => state.ciphertext.clone()?,
            _ => Vec::new(),
        };
        let (cloud, bucket, key) = (run.cloud, run.bucket(session), run.key(session));
        let object = run.subject.probe_key.as_str();
        let call = async move {
            match self {
                Self::List => cloud.list_objects(&bucket, PROBE_PREFIX).await,
                Self::Get => cloud.get_object(&bucket, object).await.map(drop),
                Self::Restore => cloud.restore_object(&bucket, object).await,
                Self::Encrypt => cloud.encrypt(&key, &run.plaintext, CallMode::Dry).await.map(drop),
                Self::GenerateDataKey => cloud.generate_data_key(&key).await,
                Self::Decrypt => cloud.decrypt(&key, &ciphertext, CallMode::Dry).await.map(drop),
                Self::Reencrypt => cloud.reencrypt(&key, &ciphertext).await,
            }
        };
        Some(pending(self.needs_object(), call, move |state, answer| {
            let (probe, _) = state.unauthorized_mut(who);
            let slot = match self {
                Self::List => &mut probe.list,
                Self::Get => &mut probe.get,
                Self::Restore => &mut probe.restore,
                Self::Encrypt => &mut probe.encrypt,
                Self::GenerateDataKey => &mut probe.generate_data_key,
                Self::Decrypt => &mut probe.decrypt,
                Self::Reencrypt => &mut probe.reencrypt,
            };
            *slot = Some(answer);
        }))
    }
}
