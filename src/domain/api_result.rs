//! Results of AWS calls, in the domain's terms. `cloud` classifies AWS's raw answers into these.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::account::AccountId;
use super::arn::PolicyArn;
use super::region::Region;
use super::storage_config::Mode;

/// The outcome of a call, and details of the exchange.
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
    /// The resource does not exist.
    Absent,
    /// The resource exists, but its state or kind does not allow the call. For example, the key is disabled.
    Unusable,
    /// The resource is in another region.
    Misrouted,
    /// No conclusion is possible: throttling, 5xx, timeout, no network, an expired session, or clock skew.
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

/// Details of a call. Never contains credentials, signatures, or AWS's own error texts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ApiCall {
    /// Such as `s3:PutObject`.
    pub operation: String,
    pub code: Option<String>,
    pub status: Option<u16>,
    pub request_id: Option<String>,
    pub duration: Duration,
    /// An attempt of this call timed out and may still be executed after later calls.
    pub may_arrive_late: bool,
    /// From the header `x-amz-bucket-region`, which S3 also sends with denials.
    pub bucket_region: Option<Region>,
    /// The region of the request, if it does not follow from the resource.
    pub region: Option<Region>,
    /// The account that the error names.
    pub account: Option<AccountId>,
    /// AWS's time of the response, from the header `date`, to the second.
    pub answered_at: Option<DateTime<Utc>>,
}

impl ApiCall {
    /// Whether S3 passes on an error of KMS. S3 itself allowed the call then.
    pub fn is_from_kms(&self) -> bool {
        self.code.as_deref().is_some_and(|code| code.starts_with("KMS."))
    }

    /// S3 allowed an unsigned request, whose object is encrypted with KMS, and then required a signature.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html>
    pub fn needs_signature(&self) -> bool {
        self.code.as_deref() == Some("InvalidArgument")
    }

    pub fn is_throttled(&self) -> bool {
        self.code.as_deref().is_some_and(is_throttling_code)
    }
}

/// STS is not active for an account in the region of the request.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_enable-regions.html>
pub const REGION_DISABLED: &str = "RegionDisabledException";

/// Whether an error code means throttling.
pub fn is_throttling_code(code: &str) -> bool {
    matches!(
        code.strip_prefix("KMS.").unwrap_or(code),
        "Throttling"
            | "ThrottlingException"
            | "ThrottledException"
            | "RequestThrottled"
            | "RequestThrottledException"
            | "RequestLimitExceeded"
            | "BandwidthLimitExceeded"
            | "LimitExceededException"
            | "TooManyRequestsException"
            | "PriorRequestNotComplete"
            | "SlowDown"
    )
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessDenied {
    pub by: DeniedBy,
    pub reason: DenialReason,
    /// The key that KMS names in a denial.
    pub key: Option<String>,
    /// The action that the denial names: a `kms:` action, `sts:TagSession` or `sts:SetSourceIdentity`.
    pub action: Option<String>,
    /// The policy that denied, which AWS names to callers of the same account or organization.
    pub policy: Option<PolicyArn>,
}

impl AccessDenied {
    /// Of a role that was assumed across accounts: whether it is open if the caller's policies denied or the role's.
    pub fn may_be_of_the_caller(&self) -> bool {
        let is_open = match self.reason {
            DenialReason::Unsaid | DenialReason::DeniedSomewhere => true,
            // Within one organization, STS says so even if only the trust policy is wrong.
            DenialReason::NotAllowedBy(kind) => kind == PolicyKind::Identity,
            DenialReason::DeniedBy(_) | DenialReason::ObjectLock | DenialReason::MfaDelete => false,
        };
        // Such an action is the vendor's doing in any case.
        is_open && self.action.is_none()
    }

    /// Whether the denying policy belongs to the vendor: a session policy, a VPC endpoint policy or, in `direct`, a policy
    /// of the vendor's role or its organization.
    pub fn is_vendor_side(&self, mode: Mode) -> bool {
        let (DenialReason::NotAllowedBy(kind) | DenialReason::DeniedBy(kind)) = self.reason else {
            return false;
        };
        match kind {
            PolicyKind::Session | PolicyKind::VpcEndpoint => true,
            PolicyKind::Identity | PolicyKind::PermissionsBoundary | PolicyKind::ServiceControl => mode == Mode::Direct,
            PolicyKind::Resource | PolicyKind::RoleTrust | PolicyKind::ResourceControl => false,
        }
    }
}

/// The service that denied access. S3 passes on denials of KMS; in that case S3 itself allowed the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeniedBy {
    Sts,
    Iam,
    S3,
    Kms,
}

/// The reason, as far as AWS reveals it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DenialReason {
    Unsaid,
    /// An explicit deny, in a policy whose kind AWS does not reveal.
    DeniedSomewhere,
    /// No policy of this kind allows the action.
    NotAllowedBy(PolicyKind),
    /// A policy of this kind denies the action.
    DeniedBy(PolicyKind),
    /// Not a policy: the retention of an object, or of new objects in the bucket.
    ObjectLock,
    /// Not a policy: versions cannot be deleted without an MFA device.
    MfaDelete,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyKind {
    Identity,
    Resource,
    /// The trust policy of a role.
    RoleTrust,
    PermissionsBoundary,
    Session,
    ServiceControl,
    ResourceControl,
    VpcEndpoint,
}

impl PolicyKind {
    /// The term for it in a sentence.
    pub fn phrase(self) -> &'static str {
        match self {
            Self::Identity => "an identity-based policy",
            Self::Resource => "a resource policy",
            Self::RoleTrust => "the role's trust policy",
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
