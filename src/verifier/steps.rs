//! The steps of a run. Each step is one AWS call, and knows what it waits for: [`Step::start`] returns the call once its
//! session and its inputs are there, so a step cannot run early.

use futures::FutureExt;
use futures::future::BoxFuture;
use strum::IntoEnumIterator;

use super::Run;
use super::production::ProductionCall;
use super::run_state::{CleanUp, RunState};
use super::sessions::ClientExternalId;
use super::unauthorized::{Unauthorized, UnauthorizedCall};
use crate::cloud::AwsSession;
use crate::domain::storage_config::Mode;

/// One AWS call of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Assumes the vendor's role, tagged in `direct`.
    VendorRole,
    /// Assumes the customer's role with the vendor's session (`assume_role`).
    ClientRole(ClientExternalId),
    /// Makes a session that the bucket and the key must refuse (`direct`).
    UnauthorizedRole(Unauthorized),
    /// A call with the session that production will use.
    Production(ProductionCall),
    /// A call that must be refused.
    Unauthorized(Unauthorized, UnauthorizedCall),
}

/// A call in flight.
pub(super) type PendingCall<'a> = BoxFuture<'a, CompletedCall>;

/// A call that returned, and where its result goes.
pub(super) struct CompletedCall {
    pub record: Box<dyn FnOnce(&mut RunState) + Send>,
    /// The call used the probe object, which must not be deleted before.
    pub used_object: bool,
}

impl Step {
    /// The steps of a run in this mode. `posture` adds the reads of the bucket's settings, `retires` those that hold the
    /// retired external ID to be refused.
    pub fn of_run(mode: Mode, posture: bool, retires: bool) -> Vec<Self> {
        let mut steps = vec![Self::VendorRole];
        match mode {
            Mode::AssumeRole => {
                let ids = ClientExternalId::iter().filter(|id| retires || *id != ClientExternalId::Retired);
                steps.extend(ids.map(Self::ClientRole));
            }
            Mode::Direct => {
                for who in Unauthorized::iter().filter(|who| retires || *who != Unauthorized::Retired) {
                    steps.push(Self::UnauthorizedRole(who));
                    steps.extend(UnauthorizedCall::iter().map(|call| Self::Unauthorized(who, call)));
                }
            }
        }
        let production = ProductionCall::iter().filter(|call| posture || !call.reads_posture());
        steps.extend(production.map(Self::Production));
        steps
    }

    /// Whether the probe object must not be deleted while this call is in flight.
    pub fn needs_object(self) -> bool {
        match self {
            Self::Production(call) => call.needs_object(),
            Self::Unauthorized(_, call) => call.needs_object(),
            Self::VendorRole | Self::ClientRole(_) | Self::UnauthorizedRole(_) => false,
        }
    }

    /// The call, or None while something that it needs is missing.
    pub fn start<'a>(self, run: &'a Run<'a>, state: &RunState) -> Option<PendingCall<'a>> {
        match self {
            Self::VendorRole => Some(self.assume_vendor_role(run)),
            Self::ClientRole(id) => self.assume_client_role(id, run, state),
            Self::UnauthorizedRole(who) => Some(self.assume_as(who, run)),
            Self::Production(call) => call.start(self, run, state),
            Self::Unauthorized(who, call) => call.start(self, who, run, state),
        }
    }

    /// Makes the call, and then hands its result to `record`.
    pub fn call<'a, T: Send + 'static>(
        self,
        call: impl Future<Output = T> + Send + 'a,
        record: impl FnOnce(&mut RunState, T) + Send + 'static,
    ) -> PendingCall<'a> {
        async move {
            let result = call.await;
            CompletedCall {
                record: Box::new(move |state| record(state, result)),
                used_object: self.needs_object(),
            }
        }
        .boxed()
    }
}

/// Deletes an object that a run wrote.
pub(super) fn delete<'a>(run: &'a Run<'a>, session: &AwsSession, what: CleanUp) -> PendingCall<'a> {
    let bucket = run.bucket(session);
    async move {
        let answer = run.cloud.delete_object(&bucket, what.key()).await;
        CompletedCall {
            record: Box::new(move |state| state.record_clean_up(what, answer)),
            used_object: false,
        }
    }
    .boxed()
}
