//! Callers that a bucket and a key must deny, the calls that each of them makes, and the answers.

use std::collections::BTreeMap;

use strum::{EnumIter, IntoEnumIterator};

use super::access_level::AccessLevel;
use super::api_result::{ApiResult, DeniedBy, Outcome};
use super::extra_action::{ExtraActions, ExtraCall};
use super::storage_config::Mode;
use super::templates::statements::Permission;

/// A caller that must be denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, EnumIter)]
pub enum UnauthorizedCaller {
    /// Anybody on the internet: without credentials.
    Anonymous,
    /// `direct`: the customer-facing role without a session tag.
    Untagged,
    /// `direct`: the customer-facing role with a random external ID as its tag.
    Mistagged,
    /// `direct`: the customer-facing role with the external ID that a rotation has retired.
    Retired,
    /// `assume_role`: the vendor's storage role itself, without the customer's role in between.
    StorageRole,
    /// `assume_role`: the vendor's customer-facing role.
    CustomerFacingRole,
}

impl UnauthorizedCaller {
    /// The callers of a run. `retires`: a retired external ID must be denied. `has_other_role`: `assume_role` is verified by
    /// a vendor that has a customer-facing role as well.
    pub fn of_run(mode: Mode, retires: bool, has_other_role: bool) -> impl Iterator<Item = Self> {
        Self::iter().filter(move |caller| match (caller, mode) {
            (Self::Anonymous, _) | (Self::Untagged | Self::Mistagged, Mode::Direct) | (Self::StorageRole, Mode::AssumeRole) => true,
            (Self::Retired, Mode::Direct) => retires,
            (Self::CustomerFacingRole, Mode::AssumeRole) => has_other_role,
            _ => false,
        })
    }

    /// How it calls, as the end of a sentence.
    pub fn phrase(self) -> &'static str {
        match self {
            Self::Anonymous => "without credentials",
            Self::Untagged => "without a session tag",
            Self::Mistagged => "with another external ID as its tag",
            Self::Retired => "with the previous external ID as its tag",
            Self::StorageRole => "by the storage role of [vendor]",
            Self::CustomerFacingRole => "by the customer-facing role of [vendor]",
        }
    }

    pub fn makes(self, call: UnauthorizedCall) -> bool {
        use UnauthorizedCall::{Delete, Extra, Get, List, Put};
        // KMS answers signed requests only.
        self != Self::Anonymous || matches!(call, List | Get | Put | Delete | Extra(ExtraCall::Object(_) | ExtraCall::Bucket(_)))
    }
}

/// A call that must be denied. None of them changes existing data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum UnauthorizedCall {
    List,
    Get,
    Restore,
    Put,
    Delete,
    DescribeKey,
    Encrypt,
    GenerateDataKey,
    GenerateDataKeyWithoutPlaintext,
    Decrypt,
    Reencrypt,
    /// One that the vendor asks for.
    Extra(ExtraCall),
}

impl UnauthorizedCall {
    /// The calls of a run.
    pub fn of_run(level: AccessLevel, extra: &ExtraActions) -> impl Iterator<Item = Self> {
        let needed = Self::OF_BUCKET
            .into_iter()
            .chain(Self::OF_OBJECT)
            .chain(Self::OF_KEY)
            .chain(Self::OF_CIPHERTEXT);
        needed
            .filter(move |call| call.is_of(level))
            .chain(extra.calls(level).map(Self::Extra))
    }

    /// Calls that need no probe object.
    pub const OF_BUCKET: [Self; 1] = [Self::List];
    pub const OF_OBJECT: [Self; 4] = [Self::Get, Self::Restore, Self::Put, Self::Delete];
    /// Of these, the calls whose answers are conclusive even if there is no object. A get is not: S3 answers 403 to everyone who may not
    /// list the bucket. <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html>
    pub const WITHOUT_OBJECT: [Self; 1] = [Self::Put];
    /// Calls on an object of the customer's. A restore of an archived one would change it.
    pub const OF_SAMPLE: [Self; 2] = [Self::Get, Self::Put];
    /// Calls that need no ciphertext.
    pub const OF_KEY: [Self; 4] = [
        Self::DescribeKey,
        Self::Encrypt,
        Self::GenerateDataKey,
        Self::GenerateDataKeyWithoutPlaintext,
    ];
    pub const OF_CIPHERTEXT: [Self; 2] = [Self::Decrypt, Self::Reencrypt];

    /// Calls that are made from outside of the vendor's network, with its own session.
    const FROM_OUTSIDE: [Self; 4] = [Self::List, Self::DescribeKey, Self::Get, Self::Put];

    /// Those that are made where the vendor has this access. With `read`, a put is denied from anywhere.
    pub fn from_outside(level: AccessLevel) -> impl Iterator<Item = Self> {
        let calls = Self::FROM_OUTSIDE.into_iter();
        calls.filter(move |call| level == AccessLevel::ReadWrite || *call != Self::Put)
    }

    /// Whether it is made where the vendor has this access. With `read`, there is no ciphertext and no object of the vendor's.
    fn is_of(self, level: AccessLevel) -> bool {
        level == AccessLevel::ReadWrite || !matches!(self, Self::Restore | Self::Delete | Self::Decrypt | Self::Reencrypt)
    }

    /// The IAM action.
    pub fn action(self) -> &'static str {
        match self {
            Self::List => "s3:ListBucket",
            Self::Get => "s3:GetObject",
            Self::Restore => "s3:RestoreObject",
            Self::Put => "s3:PutObject",
            Self::Delete => "s3:DeleteObject",
            Self::DescribeKey => "kms:DescribeKey",
            Self::Encrypt => "kms:Encrypt",
            Self::GenerateDataKey => "kms:GenerateDataKey",
            Self::GenerateDataKeyWithoutPlaintext => "kms:GenerateDataKeyWithoutPlaintext",
            Self::Decrypt => "kms:Decrypt",
            Self::Reencrypt => "kms:ReEncrypt",
            Self::Extra(call) => call.action(),
        }
    }

    /// The statement that allows it.
    pub fn permission(self) -> Permission {
        match self {
            Self::List => Permission::List,
            Self::Get | Self::Restore | Self::Put | Self::Delete => Permission::Objects,
            Self::DescribeKey
            | Self::Encrypt
            | Self::GenerateDataKey
            | Self::GenerateDataKeyWithoutPlaintext
            | Self::Decrypt
            | Self::Reencrypt => Permission::Key,
            Self::Extra(call) => call.permission(),
        }
    }

    /// Whether the answer shows that the resource let the caller in. For calls on the content of an object, S3 evaluates its own policies
    /// first: a later denial, by the key or because the request is unsigned, means that they allowed the call.
    pub fn was_allowed(self, answer: &ApiResult) -> bool {
        let uses_key = matches!(self, Self::Get | Self::Put | Self::Extra(ExtraCall::Object(_)));
        match answer.outcome {
            Outcome::Granted(()) => true,
            Outcome::Unusable => uses_key && (answer.exchange.is_from_kms() || answer.exchange.needs_signature()),
            _ => uses_key && answer.is_refused_by(DeniedBy::Kms),
        }
    }
}

/// The answers that a caller got.
#[derive(Debug, Default)]
pub struct UnauthorizedProbe {
    /// The answer to assuming its role. Stays empty for a caller without one.
    pub role: Option<ApiResult>,
    pub answers: BTreeMap<UnauthorizedCall, ApiResult>,
}
