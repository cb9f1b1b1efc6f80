//! The steps of a run. Each step is one AWS call. [`Step::start`] returns the call once its session and inputs are
//! available, so a step cannot run too early.

use strum::IntoEnumIterator;

use super::calls::{PendingCall, pending};
use super::limited::Limit;
use super::production::ProductionCall;
use super::run_state::{CleanUp, RunState};
use super::sessions::{self, ClientExternalId};
use super::{VerificationRun, extra, outside, unauthorized};
use crate::cloud::AwsSession;
use crate::domain::access_level::AccessLevel;
use crate::domain::evidence::DeletedObject;
use crate::domain::extra_action::ExtraCall;
use crate::domain::storage_config::Mode;
use crate::domain::unauthorized::{UnauthorizedCall, UnauthorizedCaller};
use crate::domain::vendor::Vendor;

/// One AWS call of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Assumes the vendor's role, tagged in `direct`.
    VendorRole,
    /// Assumes the customer's role with the vendor's session (`assume_role`).
    ClientRole(ClientExternalId),
    /// Asks IAM whether the vendor's own policies are why the customer's role could not be assumed (`assume_role`).
    VendorMayAssume,
    /// Assumes the customer's role with a session of another role of the vendor's, which must be denied (`assume_role`).
    ClientRoleByOtherRole,
    /// Asks IAM whether the policies of that role are why it could not (`assume_role`).
    OtherRoleMayAssume,
    /// Makes a session that the bucket and the key must deny.
    UnauthorizedRole(UnauthorizedCaller),
    /// A call with the session that production will use.
    Production(ProductionCall),
    /// Makes a session as a service gets it.
    LimitedSession(Limit),
    /// A call that such a session must not allow.
    LimitedCall(Limit),
    /// A call that proves what the vendor asks for.
    Extra(ExtraCall),
    /// A call that must be denied.
    Unauthorized(UnauthorizedCaller, UnauthorizedCall),
    /// A call from outside of the vendor's network, which must be denied.
    Outside(UnauthorizedCall),
    /// Makes a session that cannot be used outside of it, to find out whether such calls really come from outside.
    OutsideControlSession,
    /// A call with that session.
    OutsideControl,
}

impl Step {
    /// The steps of a run in this mode and with this access. `retires` adds the attempts with the retired external ID.
    pub(crate) fn of_run(vendor: &Vendor, mode: Mode, level: AccessLevel, retires: bool, callers: &[UnauthorizedCaller]) -> Vec<Self> {
        let mut steps = vec![Self::VendorRole];
        if mode == Mode::AssumeRole {
            let ids = ClientExternalId::iter().filter(|id| retires || *id != ClientExternalId::Retired);
            steps.extend(ids.map(Self::ClientRole));
            steps.push(Self::VendorMayAssume);
        }
        if callers.contains(&UnauthorizedCaller::CustomerFacingRole) {
            steps.extend([Self::ClientRoleByOtherRole, Self::OtherRoleMayAssume]);
        }
        for caller in callers {
            steps.push(Self::UnauthorizedRole(*caller));
            let calls = UnauthorizedCall::of_run(level, &vendor.extra).filter(|call| caller.makes(*call));
            steps.extend(calls.map(|call| Self::Unauthorized(*caller, call)));
        }
        let production = ProductionCall::iter().filter(|call| call.is_granted(mode, level, vendor.posture));
        steps.extend(production.map(Self::Production));
        steps.extend(vendor.extra.calls(level).map(Self::Extra));
        steps.extend(Limit::iter().flat_map(|limit| [Self::LimitedSession(limit), Self::LimitedCall(limit)]));
        steps
    }

    /// The steps outside of the vendor's network.
    pub(crate) fn from_outside(level: AccessLevel) -> impl Iterator<Item = Self> {
        let calls = UnauthorizedCall::from_outside(level);
        calls.map(Self::Outside).chain([Self::OutsideControlSession, Self::OutsideControl])
    }

    /// Whether the probe object must not be deleted while this call is in flight.
    pub(crate) fn needs_object(self) -> bool {
        match self {
            Self::Production(call) => call.needs_object(),
            Self::Unauthorized(_, call) => unauthorized::needs_object(call),
            Self::Extra(call) => extra::needs_object(call),
            Self::LimitedCall(_) => true,
            Self::Outside(call) => outside::needs_object(call),
            Self::VendorRole
            | Self::VendorMayAssume
            | Self::ClientRole(_)
            | Self::ClientRoleByOtherRole
            | Self::OtherRoleMayAssume
            | Self::UnauthorizedRole(_)
            | Self::LimitedSession(_)
            | Self::OutsideControlSession
            | Self::OutsideControl => false,
        }
    }

    /// Whether it is made even if the run is stopped.
    pub(crate) fn cleans_up(self) -> bool {
        self == Self::Production(ProductionCall::AbortMultipartUpload)
    }

    /// The call, or None while an input is missing.
    pub(crate) fn start<'a>(self, run: &'a VerificationRun<'a>, state: &RunState) -> Option<PendingCall<'a>> {
        match self {
            Self::VendorRole => Some(sessions::assume_vendor_role(run)),
            Self::ClientRole(id) => sessions::assume_client_role(id, run, state),
            Self::VendorMayAssume => sessions::ask_whether_vendor_may_assume(run, state),
            Self::ClientRoleByOtherRole => sessions::assume_client_role_by_other_role(run, state),
            Self::OtherRoleMayAssume => sessions::ask_whether_other_role_may_assume(run, state),
            Self::UnauthorizedRole(caller) => sessions::assume_as(caller, run),
            Self::Production(call) => call.start(run, state),
            Self::LimitedSession(limit) => limit.session(run, state),
            Self::LimitedCall(limit) => limit.call(run, state),
            Self::Extra(call) => extra::start(call, run, state),
            Self::Unauthorized(caller, call) => unauthorized::start(caller, call, run, state),
            Self::Outside(call) => outside::start(call, run, state),
            Self::OutsideControlSession => outside::control_session(run, state),
            Self::OutsideControl => outside::control(run, state),
        }
    }
}

/// Deletes an object that a run wrote.
pub(super) fn delete<'a>(run: &'a VerificationRun<'a>, session: &AwsSession, what: CleanUp) -> PendingCall<'a> {
    let bucket = run.bucket(Some(session));
    let key = what.key().to_owned();
    let version = what.version().map(str::to_owned);
    let call = async move {
        match version {
            Some(version) => run.cloud.delete_version(&bucket, &key, &version).await.map(|()| DeletedObject {
                marker: false,
                version: Some(version),
            }),
            None => run.cloud.delete_object(&bucket, &key).await,
        }
    };
    pending(false, call, move |state, answer| state.record_clean_up(what, answer))
}
