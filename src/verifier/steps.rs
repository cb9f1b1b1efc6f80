//! The steps of a run. Each step is one AWS call. [`Step::start`] returns the call once its session and inputs are
//! available, so a step cannot run too early.

use strum::IntoEnumIterator;

use super::Run;
use super::calls::{PendingCall, pending};
use super::production::ProductionCall;
use super::run_state::{CleanUp, RunState, Unauthorized};
use super::sessions::{self, ClientExternalId};
use super::unauthorized::UnauthorizedCall;
use crate::cloud::AwsSession;
use crate::domain::storage_config::Mode;

/// One AWS call of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Assumes the vendor's role, tagged in `direct`.
    VendorRole,
    /// Assumes the customer's role with the vendor's session (`assume_role`).
    ClientRole(ClientExternalId),
    /// Gets a session that the bucket and the key must deny (`direct`).
    UnauthorizedRole(Unauthorized),
    /// A call with the session that production will use.
    Production(ProductionCall),
    /// A call that must be denied.
    Unauthorized(Unauthorized, UnauthorizedCall),
}

impl Step {
    /// The steps of a run in this mode. `posture` adds the reads of the bucket's settings, `retires` those that check that
    /// the retired external ID is denied.
    pub(crate) fn of_run(mode: Mode, posture: bool, retires: bool) -> Vec<Self> {
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
    pub(crate) fn needs_object(self) -> bool {
        match self {
            Self::Production(call) => call.needs_object(),
            Self::Unauthorized(_, call) => call.needs_object(),
            Self::VendorRole | Self::ClientRole(_) | Self::UnauthorizedRole(_) => false,
        }
    }

    /// The call, or None while an input is missing.
    pub(crate) fn start<'a>(self, run: &'a Run<'a>, state: &RunState) -> Option<PendingCall<'a>> {
        match self {
            Self::VendorRole => Some(sessions::assume_vendor_role(run)),
            Self::ClientRole(id) => sessions::assume_client_role(id, run, state),
            Self::UnauthorizedRole(who) => Some(sessions::assume_as(who, run)),
            Self::Production(call) => call.start(run, state),
            Self::Unauthorized(who, call) => call.start(who, run, state),
        }
    }
}

/// Deletes an object that a run wrote.
pub(super) fn delete<'a>(run: &'a Run<'a>, session: &AwsSession, what: CleanUp) -> PendingCall<'a> {
    let bucket = run.bucket(session);
    let key = what.key().to_owned();
    let call = async move { run.cloud.delete_object(&bucket, &key).await };
    pending(false, call, move |state, answer| state.record_clean_up(what, answer))
}
