//! All that a verification's calls brought to light so far: one answer for each call, empty until it is there.

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
    /// Asked only when `head` was refused: the same without naming the owner.
    pub head_of_any_owner: Option<ApiResult>,
    pub list: Option<ApiResult>,

    pub describe_key: Option<ApiResult<KeyFacts>>,
    pub encrypt: Option<ApiResult>,
    pub decrypt: Option<ApiResult<RoundTrip>>,
    pub reencrypt: Option<ApiResult>,
    pub generate_data_key: Option<ApiResult>,
    pub generate_data_key_without_plaintext: Option<ApiResult>,

    pub put: Option<ApiResult<StoredObject>>,
    /// Asked only when S3 refused `put`: the same with the headers that ask for the key.
    pub put_with_header: Option<ApiResult<StoredObject>>,
    pub get: Option<ApiResult<RoundTrip>>,
    pub restore: Option<ApiResult>,
    pub delete: Option<ApiResult<DeletedObject>>,

    /// Asked only where the vendor's templates grant it, as the next two.
    pub public_access_block: Option<ApiResult<bool>>,
    pub acls_disabled: Option<ApiResult<bool>>,
    pub access_logging: Option<ApiResult<bool>>,

    /// The external ID that was retired has to be refused too.
    pub retires: bool,
    pub client_role_with_retired_id: Option<ApiResult>,
    /// `direct` only: the vendor's role with the tag that was retired.
    pub retired: UnauthorizedProbe,

    /// `direct` only: the vendor's role without the tenant's tag.
    pub untagged: UnauthorizedProbe,
    /// `direct` only: the vendor's role with a tag that is not the tenant's.
    pub mistagged: UnauthorizedProbe,
}

/// What somebody who must be refused was answered.
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
    /// `direct`: everybody who must be refused, and how they came.
    pub fn strangers(&self) -> Vec<(&UnauthorizedProbe, &'static str)> {
        let mut strangers = vec![(&self.untagged, "without a tag"), (&self.mistagged, "with somebody else's tag")];
        if self.retires {
            strangers.push((&self.retired, "with your previous external ID as its tag"));
        }
        strangers
    }

    /// `assume_role`: the answers to everybody who must be refused, as far as they are there, and how they came.
    pub fn assumed_by_strangers(&self) -> Vec<(Option<&ApiResult>, &'static str)> {
        let mut assumed = vec![
            (self.client_role_without_id.as_ref(), "with no external ID"),
            (self.client_role_with_random_id.as_ref(), "with a made-up external ID"),
        ];
        if self.retires {
            assumed.push((self.client_role_with_retired_id.as_ref(), "with your previous external ID"));
        }
        assumed
    }

    /// Whether the probe object's put may still be answered. It is asked only once strangers are seen to be refused.
    pub fn awaits_put(&self, mode: Mode) -> bool {
        match &self.put {
            Some(put) => put.is_refused_by(DeniedBy::S3) && self.put_with_header.is_none(),
            None => match mode {
                Mode::AssumeRole => {
                    let assumed = self.assumed_by_strangers();
                    assumed.iter().any(|(answer, _)| answer.is_none()) || self.role_refused_to_strangers()
                }
                Mode::Direct => {
                    let open = |stranger: &UnauthorizedProbe| match &stranger.role {
                        None => true,
                        Some(role) => role.granted().is_some() && stranger.list.is_none(),
                    };
                    self.strangers().iter().any(|(stranger, _)| open(stranger)) || self.list_refused_to_strangers()
                }
            },
        }
    }

    /// `direct`: S3 itself refused the list to all strangers.
    pub fn list_refused_to_strangers(&self) -> bool {
        self.strangers()
            .iter()
            .all(|(stranger, _)| stranger.list.as_ref().is_some_and(|list| list.is_refused_by(DeniedBy::S3)))
    }

    /// `assume_role`: the role let nobody in without the right external ID.
    pub fn role_refused_to_strangers(&self) -> bool {
        self.assumed_by_strangers()
            .iter()
            .all(|(assumed, _)| assumed.is_some_and(|answer| answer.is_refused_by(DeniedBy::Sts)))
    }
}

/// Whether what was written came back the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoundTrip {
    Same,
    Different,
}

/// What `kms:DescribeKey` says that matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFacts {
    pub customer_managed: bool,
    /// `SYMMETRIC_DEFAULT` is the one that S3 can use.
    pub spec: String,
    /// `ENCRYPT_DECRYPT` is the one that S3 can use.
    pub usage: String,
    /// `Enabled` is the one that works.
    pub state: String,
    pub deletion_at: Option<DateTime<Utc>>,
}

/// What S3 says of an object that it stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredObject {
    /// `aws:kms`, `aws:kms:dsse` or `AES256`.
    pub encryption: Option<String>,
    pub key: Option<String>,
    pub version: Option<String>,
}

/// What S3 says of an object that it deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeletedObject {
    pub marker: bool,
    pub version: Option<String>,
}
