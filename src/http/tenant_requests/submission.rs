//! A submitted storage config.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::access_level::AccessLevel;
use crate::domain::ids::VerificationId;
use crate::domain::storage_config::{Mode, StorageConfig};
use crate::domain::submission::Submission;
use crate::domain::verification::VerificationState;
use crate::http::conventions::extract::JsonBody;
use crate::http::views::StorageConfigView;

/// A customer's submission. Leading and trailing whitespace is removed; values are not changed otherwise.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct SubmitStorageConfig {
    #[schema(required, nullable = false, value_type = Mode)]
    mode: Option<String>,
    #[schema(required, nullable = false, example = "arn:aws:s3:::acme-documents")]
    bucket_arn: Option<String>,
    #[schema(required, nullable = false, example = "eu-central-1")]
    bucket_region: Option<String>,
    #[schema(
        required,
        nullable = false,
        example = "arn:aws:kms:eu-central-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    )]
    key_arn: Option<String>,
    /// Must be the region of the bucket and of the key's ARN.
    key_region: Option<String>,
    /// Required in the mode `assume_role`, not allowed in the mode `direct`.
    #[schema(example = "arn:aws:iam::222222222222:role/vendor-documents")]
    role_arn: Option<String>,
    /// The tenant's external ID is issued, not chosen. If sent, it must be that one, and not empty.
    external_id: Option<String>,
    /// The account that owns the bucket. Defaults to the role's account or, in the mode `direct`, to the key's.
    #[schema(example = "222222222222")]
    bucket_account_id: Option<String>,
    /// The keys of all objects start with it. Ends with a slash. Omit it for the whole bucket.
    #[schema(example = "documents/")]
    prefix: Option<String>,
    /// Defaults to the first of the levels that the vendor offers.
    #[schema(value_type = Option<AccessLevel>)]
    access: Option<String>,
    /// `read`: the key of an object with which verifications prove that it can be read. If omitted, they choose one.
    #[schema(example = "documents/sample.pdf")]
    sample_object: Option<String>,
}

impl JsonBody<SubmitStorageConfig> {
    pub(crate) fn submission(self) -> Submission {
        let body = self.value;
        Submission {
            mode: body.mode,
            bucket_arn: body.bucket_arn,
            bucket_region: body.bucket_region,
            key_arn: body.key_arn,
            key_region: body.key_region,
            role_arn: body.role_arn,
            external_id: body.external_id,
            bucket_account_id: body.bucket_account_id,
            prefix: body.prefix,
            access: body.access,
            sample_object: body.sample_object,
            unreadable: self.unreadable,
        }
    }
}

/// The version, and the verification that was queued for it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Submitted {
    #[serde(flatten)]
    config: StorageConfigView,
    /// The values that were not submitted, each with the field that it follows from.
    #[schema(value_type = BTreeMap<String, String>, example = json!({"bucket_account_id": "role_arn"}))]
    derived: BTreeMap<&'static str, &'static str>,
    verification: Queued,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Queued {
    id: VerificationId,
    state: VerificationState,
}

impl Submitted {
    pub(crate) fn new(submission: &Submission, config: StorageConfig, verification: (VerificationId, VerificationState)) -> Self {
        let (id, state) = verification;
        Self {
            derived: submission.derived(&config.storage),
            config: config.into(),
            verification: Queued { id, state },
        }
    }
}
