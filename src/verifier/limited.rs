//! Steps with sessions as the vendor's services get them, limited by a grant: what the grant leaves out must be denied.

use strum::EnumIter;

use super::VerificationRun;
use super::calls::{PendingCall, pending};
use super::run_state::RunState;
use crate::cloud::{AwsSession, DocumentCall};
use crate::domain::access_level::AccessLevel;
use crate::domain::api_result::ApiResult;
use crate::domain::evidence::{Evidence, LimitedProbe, ProductionCalls};
use crate::domain::grant::{Grant, SessionDuration};
use crate::domain::key_prefix::KeyPrefix;
use crate::domain::storage_config::Access;

/// A grant, and the call that it must not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, EnumIter)]
pub(super) enum Limit {
    /// Reading only: a put is denied.
    ReadOnly,
    /// A prefix: a get of an object outside of it is denied.
    Prefix,
}

impl Limit {
    fn grant(self, probe_prefix: &str) -> Grant {
        match self {
            Self::ReadOnly => Grant {
                level: AccessLevel::Read,
                duration: SessionDuration::shortest(),
                ..Grant::default()
            },
            Self::Prefix => Grant {
                prefix: Some(KeyPrefix::parse(&format!("{probe_prefix}other/")).expect("the prefix is well formed")),
                duration: SessionDuration::shortest(),
                ..Grant::default()
            },
        }
    }

    fn probe(self, evidence: &mut Evidence) -> &mut LimitedProbe {
        match self {
            Self::ReadOnly => &mut evidence.read_only,
            Self::Prefix => &mut evidence.other_prefix,
        }
    }

    /// The session that a service would get.
    pub(crate) fn session<'a>(self, run: &'a VerificationRun<'a>, state: &RunState) -> Option<PendingCall<'a>> {
        let storage = &run.subject.storage;
        state.production.as_ref()?;
        if state.evidence.production_calls_to_bucket(storage.mode()) != ProductionCalls::Allowed {
            return None;
        }
        let (by, role) = match &storage.access {
            Access::AssumeRole { role } => (Some(state.vendor.clone()?), role.clone()),
            Access::Direct => (None, run.subject.vendor_role.clone()),
        };
        let grant = self.grant(&run.probe_prefix);
        let call = DocumentCall {
            by,
            role,
            external_id: run.subject.external_id.clone(),
            policy: grant.session_policy(storage, run.extra).to_string(),
            duration: grant.duration,
            name: run.session_name.clone(),
        };
        let session = async move { run.cloud.document_session(&call).await };
        Some(pending(false, session, move |state, answer: ApiResult<AwsSession>| {
            if let Some(session) = answer.granted() {
                state.limited_sessions.insert(self, session.clone());
            }
            self.probe(&mut state.evidence).session = Some(answer.map(drop));
        }))
    }

    /// The call that the session's grant leaves out.
    pub(crate) fn call<'a>(self, run: &'a VerificationRun<'a>, state: &RunState) -> Option<PendingCall<'a>> {
        let session = state.limited_sessions.get(&self)?;
        let (cloud, bucket, probe) = (run.cloud, run.bucket(Some(session)), run.subject.probe_key.as_str());
        let object = state.readable(probe)?.to_owned();
        let reads_sample = run.subject.storage.level == AccessLevel::Read;
        let call = async move {
            match self {
                Self::ReadOnly => cloud.try_put(&bucket, probe).await,
                Self::Prefix if reads_sample => cloud.read_sample(&bucket, &object).await.map(drop),
                Self::Prefix => cloud.get_object(&bucket, &object).await.map(drop),
            }
        };
        Some(pending(true, call, move |state, answer| {
            self.probe(&mut state.evidence).answer = Some(answer);
        }))
    }
}
