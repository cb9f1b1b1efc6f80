//! The evidence of a verification: the result of each call, empty until the call returned.

use chrono::{DateTime, Utc};

use super::api_result::{ApiResult, DeniedBy};
use super::storage_config::Mode;

#[derive(Debug, Default)]
pub struct Evidence {
    pub vendor_role: Option<ApiResult>,
    pub client_role: Option<ApiResult>,
    pub client_role_without_id: Option<ApiResult>,
    pub client_role_with_random_id: Option<ApiResult>,

    pub head: Option<ApiResult>,
    /// Called only if `head` was denied: the same call without an expected owner.
    pub head_of_any_owner: Option<ApiResult>,
    pub list: Option<ApiResult>,

    pub describe_key: Option<ApiResult<KeyFacts>>,
    pub encrypt: Option<ApiResult>,
    pub decrypt: Option<ApiResult<RoundTrip>>,
    pub reencrypt: Option<ApiResult>,
    pub generate_data_key: Option<ApiResult>,
    pub generate_data_key_without_plaintext: Option<ApiResult>,

    pub put: Option<ApiResult<StoredObject>>,
    /// Called only if S3 denied `put`: the same call with encryption headers.
    pub put_with_header: Option<ApiResult<StoredObject>>,
    pub get: Option<ApiResult<RoundTrip>>,
    pub restore: Option<ApiResult>,
    pub delete: Option<ApiResult<DeletedObject>>,

    /// Called only if the templates grant it, like the next two.
    pub public_access_block: Option<ApiResult<bool>>,
    pub acls_disabled: Option<ApiResult<bool>>,
    pub access_logging: Option<ApiResult<bool>>,

    /// The retired external ID must be denied as well.
    pub retires: bool,
    pub client_role_with_retired_id: Option<ApiResult>,
    /// `direct` only: the vendor's role with the retired external ID as its tag.
    pub retired: UnauthorizedProbe,

    /// `direct` only: the vendor's role without the tenant's tag.
    pub untagged: UnauthorizedProbe,
    /// `direct` only: the vendor's role with another external ID as its tag.
    pub mistagged: UnauthorizedProbe,
}

/// A caller that must be denied, by the external ID that it presents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnauthorizedCaller {
    WithoutId,
    OtherId,
    /// The tenant's own previous external ID, after a rotation. No other customer has it.
    PreviousId,
}

impl UnauthorizedCaller {
    /// How the caller presents itself in this mode.
    pub fn phrase(self, mode: Mode) -> &'static str {
        match (self, mode) {
            (Self::WithoutId, Mode::Direct) => "without a session tag",
            (Self::OtherId, Mode::Direct) => "with another external ID as its tag",
            (Self::PreviousId, Mode::Direct) => "with the previous external ID as its tag",
            (Self::WithoutId, Mode::AssumeRole) => "without an external ID",
            (Self::OtherId, Mode::AssumeRole) => "with a random external ID",
            (Self::PreviousId, Mode::AssumeRole) => "with the previous external ID",
        }
    }
}

/// The results of an unauthorized caller's calls.
#[derive(Debug, Default)]
pub struct UnauthorizedProbe {
    pub role: Option<ApiResult>,
    pub list: Option<ApiResult>,
    pub get: Option<ApiResult>,
    pub restore: Option<ApiResult>,
    pub encrypt: Option<ApiResult>,
    pub generate_data_key: Option<ApiResult>,
    pub decrypt: Option<ApiResult>,
    pub reencrypt: Option<ApiResult>,
}

impl Evidence {
    /// `direct`: the probes of unauthorized callers.
    pub fn unauthorized(&self) -> Vec<(&UnauthorizedProbe, UnauthorizedCaller)> {
        let mut callers = vec![
            (&self.untagged, UnauthorizedCaller::WithoutId),
            (&self.mistagged, UnauthorizedCaller::OtherId),
        ];
        if self.retires {
            callers.push((&self.retired, UnauthorizedCaller::PreviousId));
        }
        callers
    }

    /// `assume_role`: the results of the unauthorized attempts to assume the role.
    pub fn unauthorized_assumptions(&self) -> Vec<(Option<&ApiResult>, UnauthorizedCaller)> {
        let mut assumed = vec![
            (self.client_role_without_id.as_ref(), UnauthorizedCaller::WithoutId),
            (self.client_role_with_random_id.as_ref(), UnauthorizedCaller::OtherId),
        ];
        if self.retires {
            assumed.push((self.client_role_with_retired_id.as_ref(), UnauthorizedCaller::PreviousId));
        }
        assumed
    }

    /// Whether the put of the probe object is still pending. It is made only after unauthorized callers were denied.
    pub fn awaits_put(&self, mode: Mode) -> bool {
        match &self.put {
            Some(put) => put.is_refused_by(DeniedBy::S3) && self.put_with_header.is_none(),
            None => match mode {
                Mode::AssumeRole => {
                    let assumed = self.unauthorized_assumptions();
                    assumed.iter().any(|(answer, _)| answer.is_none()) || self.role_refused_to_unauthorized()
                }
                Mode::Direct => {
                    let open = |probe: &UnauthorizedProbe| match &probe.role {
                        None => true,
                        Some(role) => role.granted().is_some() && probe.list.is_none(),
                    };
                    self.unauthorized().iter().any(|(probe, _)| open(probe)) || self.list_refused_to_unauthorized()
                }
            },
        }
    }

    /// `direct`: S3 itself denied the list to every unauthorized caller.
    pub fn list_refused_to_unauthorized(&self) -> bool {
        self.unauthorized()
            .iter()
            .all(|(probe, _)| probe.list.as_ref().is_some_and(|list| list.is_refused_by(DeniedBy::S3)))
    }

    /// `assume_role`: the role denied every unauthorized attempt.
    pub fn role_refused_to_unauthorized(&self) -> bool {
        self.unauthorized_assumptions()
            .iter()
            .all(|(assumed, _)| assumed.is_some_and(|answer| answer.is_refused_by(DeniedBy::Sts)))
    }
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
