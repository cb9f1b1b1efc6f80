//! What AWS answered, in our words. The classification of raw answers into these is `cloud`'s.

use std::time::Duration;

use super::region::Region;
use super::storage_config::Mode;

/// One call's outcome, and what is kept of the exchange.
#[derive(Debug, Clone)]
pub struct ApiResult<T = ()> {
    pub outcome: Outcome<T>,
    pub exchange: ApiCall,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome<T = ()> {
    Granted(T),
    /// An access denial.
    Refused(AccessDenied),
    /// The thing that was asked about does not exist.
    Absent,
    /// It exists, but its state or kind forbids the call: a disabled key, for instance.
    Unusable,
    /// It is in another region.
    Misrouted,
    /// No verdict follows from this: throttled, 5xx, time-out, no network, an expired session, clock skew.
    Unanswered,
}

impl<T> Outcome<T> {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Granted(_) => "granted",
            Self::Refused(_) => "refused",
            Self::Absent => "absent",
            Self::Unusable => "unusable",
            Self::Misrouted => "misrouted",
            Self::Unanswered => "unanswered",
        }
    }
}

/// What is known of a call besides its outcome. Never a credential, never a signature, never AWS's own prose.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ApiCall {
    /// `s3:PutObject`, for instance.
    pub operation: String,
    pub code: Option<String>,
    pub status: Option<u16>,
    pub request_id: Option<String>,
    pub duration: Duration,
    /// A try of it got no answer in time, and may be carried out later than what followed.
    pub may_arrive_late: bool,
    /// Of the header `x-amz-bucket-region`, which S3 sends with refusals too.
    pub bucket_region: Option<Region>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessDenied {
    pub by: DeniedBy,
    pub reason: DenialReason,
    /// The key that a KMS refusal names, when it names one.
    pub key: Option<String>,
    /// The `kms:` action that is named, or `sts:TagSession`.
    pub action: Option<String>,
}

impl AccessDenied {
    /// What stands in the way is the vendor's own: a policy of the session or of the network that it calls from, or, where
    /// its own role calls, one of that role or of its organization.
    pub fn is_of_the_vendor(&self, mode: Mode) -> bool {
        let (DenialReason::NotAllowedBy(kind) | DenialReason::DeniedBy(kind)) = self.reason else {
            return false;
        };
        match kind {
            PolicyKind::Session | PolicyKind::VpcEndpoint => true,
            PolicyKind::Identity | PolicyKind::PermissionsBoundary | PolicyKind::ServiceControl => mode == Mode::Direct,
            PolicyKind::Resource | PolicyKind::ResourceControl => false,
        }
    }
}

/// Whose permission was missing. S3 passes KMS's refusals on, and by then has let the caller in itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeniedBy {
    Sts,
    S3,
    Kms,
}

/// Why, as far as AWS says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DenialReason {
    Unsaid,
    /// Nothing of this kind allows it.
    NotAllowedBy(PolicyKind),
    /// Something of this kind forbids it.
    DeniedBy(PolicyKind),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyKind {
    Identity,
    Resource,
    PermissionsBoundary,
    Session,
    ServiceControl,
    ResourceControl,
    VpcEndpoint,
}

impl PolicyKind {
    /// As a person would call it in a sentence.
    pub fn phrase(self) -> &'static str {
        match self {
            Self::Identity => "an identity-based policy",
            Self::Resource => "a resource policy",
            Self::PermissionsBoundary => "a permissions boundary",
            Self::Session => "a session policy",
            Self::ServiceControl => "a service control policy of the organization",
            Self::ResourceControl => "a resource control policy of the organization",
            Self::VpcEndpoint => "a VPC endpoint policy",
        }
    }
}

impl<T> ApiResult<T> {
    pub fn granted(&self) -> Option<&T> {
        match &self.outcome {
            Outcome::Granted(value) => Some(value),
            _ => None,
        }
    }

    pub fn refusal(&self) -> Option<&AccessDenied> {
        match &self.outcome {
            Outcome::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    pub fn is_refused_by(&self, by: DeniedBy) -> bool {
        self.refusal().is_some_and(|refusal| refusal.by == by)
    }

    pub fn is_unanswered(&self) -> bool {
        matches!(self.outcome, Outcome::Unanswered)
    }

    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> ApiResult<U> {
        let outcome = match self.outcome {
            Outcome::Granted(value) => Outcome::Granted(f(value)),
            Outcome::Refused(refusal) => Outcome::Refused(refusal),
            Outcome::Absent => Outcome::Absent,
            Outcome::Unusable => Outcome::Unusable,
            Outcome::Misrouted => Outcome::Misrouted,
            Outcome::Unanswered => Outcome::Unanswered,
        };
        ApiResult {
            outcome,
            exchange: self.exchange,
        }
    }
}
