//! The evidence of a verification: the result of each call, empty until the call returned.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

use super::access_level::AccessLevel;
use super::api_result::{ApiResult, DenialReason, DeniedBy, Outcome};
use super::check::CheckName;
use super::extra_action::ExtraCall;
use super::storage_config::Mode;
use super::unauthorized::{UnauthorizedCall, UnauthorizedCaller, UnauthorizedProbe};

#[derive(Debug, Default)]
pub struct Evidence {
    /// With `read`, nothing is written.
    pub level: AccessLevel,
    pub vendor_role: Option<ApiResult>,
    pub client_role: Option<ApiResult>,
    pub client_role_without_id: Option<ApiResult>,
    pub client_role_with_random_id: Option<ApiResult>,

    /// Asked only if `client_role` was denied and the vendor's own policies may be the cause.
    pub vendor_may_assume: Option<ApiResult<bool>>,
    /// Made by the vendor's customer-facing role, with the tenant's external ID.
    pub client_role_by_other_role: Option<ApiResult>,
    /// Asked only if that was denied, and the policies of the customer-facing role may be the cause.
    pub other_role_may_assume: Option<ApiResult<bool>>,

    pub head: Option<ApiResult>,
    /// Called only if `head` was denied: the same call without an expected owner. With a prefix, that of `list`.
    pub head_of_any_owner: Option<ApiResult>,
    /// `read`: returns an object that can be read, unless one was named.
    pub list: Option<ApiResult<Option<String>>>,
    /// `direct`: called only if `list` was denied. The same call by a caller who agrees to pay.
    pub list_as_payer: Option<ApiResult>,

    pub describe_key: Option<ApiResult<KeyFacts>>,
    pub encrypt: Option<ApiResult>,
    pub decrypt: Option<ApiResult<RoundTrip>>,
    pub reencrypt: Option<ApiResult>,
    pub generate_data_key: Option<ApiResult>,
    pub generate_data_key_without_plaintext: Option<ApiResult>,

    pub put: Option<ApiResult<StoredObject>>,
    /// Called only if S3 denied `put`, or if it is not clear which key stopped it: the same call with encryption headers.
    pub put_with_header: Option<ApiResult<StoredObject>>,
    pub get: Option<ApiResult<RoundTrip>>,
    pub restore: Option<ApiResult>,
    pub delete: Option<ApiResult<DeletedObject>>,
    /// Called only if the put left a version, which the delete does not remove. The templates do not grant it.
    pub delete_version: Option<ApiResult>,
    /// What the headers of the probe object show.
    pub shown_by_get: Option<KeptVersions>,
    /// What an earlier attempt found out. Then nothing is written.
    pub known_versions: Option<KeptVersions>,
    /// Returns the ID of the upload.
    pub multipart_upload: Option<ApiResult<String>>,
    pub parts: Option<ApiResult>,
    pub abort: Option<ApiResult>,

    /// `read`: the beginning of the sample object.
    pub sample: Option<ApiResult<StoredObject>>,

    /// The calls that prove what the vendor asks for beyond what Latchkey needs.
    pub extra: BTreeMap<ExtraCall, ApiResult>,

    /// Called only if the templates grant it, like the next two.
    pub public_access_block: Option<ApiResult<bool>>,
    pub acls_disabled: Option<ApiResult<bool>>,
    pub access_logging: Option<ApiResult<bool>>,

    /// A session for reading only, and its put.
    pub read_only: LimitedProbe,
    /// A session for another prefix than the probe object's, and its get.
    pub other_prefix: LimitedProbe,
    /// Calls from outside of the vendor's network.
    pub outside: OutsideProbe,

    /// `assume_role`: the retired external ID must be denied as well.
    pub retires: bool,
    pub client_role_with_retired_id: Option<ApiResult>,

    /// The callers of this run that must be denied.
    pub unauthorized: BTreeMap<UnauthorizedCaller, UnauthorizedProbe>,
}

/// The external ID of an unauthorized attempt to assume the customer's role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PresentedId {
    Missing,
    Random,
    /// The tenant's own previous external ID, after a rotation. No other customer has it.
    Previous,
}

impl PresentedId {
    /// How the attempt was made, as the end of a sentence.
    pub fn phrase(self) -> &'static str {
        match self {
            Self::Missing => "without an external ID",
            Self::Random => "with a random external ID",
            Self::Previous => "with the previous external ID",
        }
    }
}

/// A session as the vendor's services get it, and a call that it must not allow.
#[derive(Debug, Default)]
pub struct LimitedProbe {
    pub session: Option<ApiResult>,
    pub answer: Option<ApiResult>,
}

/// Whether calls with the production session may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProductionCalls {
    Undecided,
    Allowed,
    /// Not in this run. This check explains why.
    Withheld(CheckName),
}

impl Evidence {
    /// `assume_role`: the results of the unauthorized attempts to assume the role.
    pub fn unauthorized_assumptions(&self) -> Vec<(Option<&ApiResult>, PresentedId)> {
        let mut assumed = vec![
            (self.client_role_without_id.as_ref(), PresentedId::Missing),
            (self.client_role_with_random_id.as_ref(), PresentedId::Random),
        ];
        if self.retires {
            assumed.push((self.client_role_with_retired_id.as_ref(), PresentedId::Previous));
        }
        assumed
    }

    /// Whether the bucket may be called with the production session: once the role (`assume_role`) or the bucket (`direct`)
    /// denied every unauthorized caller. Before that, a customer who submitted someone else's resource would learn about it.
    pub fn production_calls_to_bucket(&self, mode: Mode) -> ProductionCalls {
        match mode {
            Mode::AssumeRole => self.once_role_denied(),
            Mode::Direct => self.once_resource_denied(&UnauthorizedCall::OF_BUCKET, |caller| match caller {
                UnauthorizedCaller::Anonymous => CheckName::BucketNotPublic,
                _ => CheckName::BucketRequiresExternalId,
            }),
        }
    }

    /// The same for the key.
    pub fn production_calls_to_key(&self, mode: Mode) -> ProductionCalls {
        match mode {
            Mode::AssumeRole => self.once_role_denied(),
            Mode::Direct => self.once_resource_denied(&UnauthorizedCall::OF_KEY, |_| match self.level {
                AccessLevel::ReadWrite => CheckName::KeyRequiresExternalId,
                AccessLevel::Read => CheckName::KeyDescriptionRequiresExternalId,
            }),
        }
    }

    fn once_role_denied(&self) -> ProductionCalls {
        let assumed = self.unauthorized_assumptions();
        let refused = |answer: Option<&ApiResult>| answer.is_some_and(|answer| answer.is_refused_by(DeniedBy::Sts));
        if assumed.iter().any(|(answer, _)| answer.is_none()) {
            ProductionCalls::Undecided
        } else if assumed.iter().all(|(answer, _)| refused(*answer)) {
            ProductionCalls::Allowed
        } else {
            ProductionCalls::Withheld(CheckName::RoleRequiresExternalId)
        }
    }

    /// Open when every call was answered and none was allowed.
    fn once_resource_denied(&self, calls: &[UnauthorizedCall], check: impl Fn(UnauthorizedCaller) -> CheckName) -> ProductionCalls {
        let mut decided = ProductionCalls::Allowed;
        for (caller, probe) in &self.unauthorized {
            let calls: Vec<_> = calls.iter().filter(|call| caller.makes(**call)).collect();
            let withheld = ProductionCalls::Withheld(check(*caller));
            if probe.role.as_ref().is_some_and(|role| role.granted().is_none()) {
                decided = withheld;
                continue;
            }
            for call in calls {
                match probe.answers.get(call) {
                    None => return ProductionCalls::Undecided,
                    Some(answer) if matches!(answer.outcome, Outcome::Granted(()) | Outcome::Unanswered) => decided = withheld,
                    Some(_) => {}
                }
            }
        }
        decided
    }

    /// Whether the probe object may be written: S3 itself denied the list call to every unauthorized caller.
    pub fn may_put(&self, mode: Mode) -> bool {
        let refused = |probe: &UnauthorizedProbe| {
            let list = probe.answers.get(&UnauthorizedCall::List);
            list.is_some_and(|list| list.is_refused_by(DeniedBy::S3))
        };
        self.level == AccessLevel::ReadWrite
            && self.known_versions.is_none()
            && self.production_calls_to_bucket(mode) == ProductionCalls::Allowed
            && (mode == Mode::AssumeRole || self.unauthorized.values().all(refused))
    }

    /// Whether the put has to be made again with headers that name the submitted key: S3 denied it without, or a key stopped it that AWS
    /// does not name.
    pub fn puts_with_header(&self) -> bool {
        self.put.as_ref().is_some_and(|put| match &put.outcome {
            Outcome::Refused(refusal) if refusal.by == DeniedBy::Kms => refusal.key.is_none(),
            Outcome::Refused(refusal) => refusal.by == DeniedBy::S3 && refusal.reason != DenialReason::ObjectLock,
            Outcome::Unusable => put.exchange.is_from_kms(),
            _ => false,
        })
    }

    /// Whether the bucket keeps versions, and why. None if nothing shows that it does.
    pub fn kept_versions(&self) -> Option<KeptVersions> {
        let refused = |reason| {
            let refusals = [
                self.put.as_ref().and_then(ApiResult::refusal),
                self.delete_version.as_ref().and_then(ApiResult::refusal),
            ];
            refusals.into_iter().flatten().any(|refusal| refusal.reason == reason)
        };
        if refused(DenialReason::ObjectLock) {
            return Some(KeptVersions::ObjectLock);
        }
        if let Some(shown) = self.shown_by_get {
            return Some(shown);
        }
        if refused(DenialReason::MfaDelete) {
            return Some(KeptVersions::MfaDelete);
        }
        let is_marked = self
            .delete
            .as_ref()
            .and_then(ApiResult::granted)
            .is_some_and(DeletedObject::is_kept);
        let is_kept = self.version_of_probe().is_some() || is_marked;
        self.known_versions.or(is_kept.then_some(KeptVersions::Versioning))
    }

    /// The version of the probe object, if the bucket keeps versions.
    pub fn version_of_probe(&self) -> Option<&str> {
        let stored = self.put.as_ref().and_then(ApiResult::granted)?;
        stored.version.as_deref().filter(|version| *version != NULL_VERSION)
    }

    /// Whether the list has to be made again by a caller who agrees to pay.
    pub fn lists_as_payer(&self, mode: Mode) -> bool {
        let refusal = self.list.as_ref().and_then(ApiResult::refusal);
        mode == Mode::Direct && refusal.is_some_and(|refusal| refusal.by == DeniedBy::S3 && refusal.reason == DenialReason::Unsaid)
    }

    /// Whether the put of the probe object is still to come.
    pub fn awaits_put(&self, mode: Mode) -> bool {
        if self.level == AccessLevel::Read || self.known_versions.is_some() {
            return false;
        }
        match &self.put {
            Some(put) => put.is_refused_by(DeniedBy::S3) && self.puts_with_header() && self.put_with_header.is_none(),
            None => self.production_calls_to_bucket(mode) == ProductionCalls::Undecided || self.may_put(mode),
        }
    }
}

/// Why a bucket keeps the versions of objects that were deleted, as far as AWS reveals it without a permission to read its settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Display, EnumIter, EnumString, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum KeptVersions {
    /// Versioning is enabled. More is not known.
    Versioning,
    /// A replication rule covers the probe object. Versioning cannot be suspended before the rule is deleted.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-status.html>
    Replication,
    /// Object Lock cannot be turned off.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html>
    ObjectLock,
    /// Only the root user can suspend versioning.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/MultiFactorAuthenticationDelete.html>
    MfaDelete,
}

/// An object that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadObject {
    pub body: Vec<u8>,
    /// What its headers show of the bucket.
    pub shows: Option<KeptVersions>,
}

/// Calls from outside of the vendor's network, with the session that production will use.
#[derive(Debug, Default)]
pub struct OutsideProbe {
    pub answers: BTreeMap<UnauthorizedCall, ApiResult>,
    /// Made only if one of them was allowed: a session that its own policy denies everything from outside.
    pub control_role: Option<ApiResult>,
    /// A list with that session. If it is allowed, the calls came from within.
    pub control: Option<ApiResult>,
}

/// Whether the bytes that were written came back unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoundTrip {
    Same,
    Different,
}

/// The relevant facts of `kms:DescribeKey`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFacts {
    pub customer_managed: bool,
    /// S3 requires `SYMMETRIC_DEFAULT`.
    pub spec: String,
    /// S3 requires `ENCRYPT_DECRYPT`.
    pub usage: String,
    /// Only `Enabled` keys work.
    pub state: String,
    pub deletion_at: Option<DateTime<Utc>>,
    /// Its key material is in an AWS `CloudHSM` cluster or an external key store of the customer, which can be disconnected.
    pub in_custom_store: bool,
}

impl KeyFacts {
    /// <https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html>
    pub fn is_pending_deletion(&self) -> bool {
        matches!(self.state.as_str(), "PendingDeletion" | "PendingReplicaDeletion")
    }
}

/// What S3 reports about a stored object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredObject {
    /// `aws:kms`, `aws:kms:dsse` or `AES256`.
    pub encryption: Option<String>,
    pub key: Option<String>,
    pub version: Option<String>,
}

/// What S3 reports about a deleted object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeletedObject {
    pub marker: bool,
    pub version: Option<String>,
}

/// The version of objects while versioning is not enabled.
const NULL_VERSION: &str = "null";

impl DeletedObject {
    /// Whether it is kept as an old version. While versioning is suspended, the delete marker's version is `null`, and the object is
    /// permanently deleted.
    fn is_kept(&self) -> bool {
        match &self.version {
            Some(version) => version != NULL_VERSION,
            None => self.marker,
        }
    }
}
