//! A submission, judged without storing it.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::account::AccountId;
use crate::domain::submission::Submission;
use crate::http::conventions::problem::Problem;
use crate::service::validate_config::{ValidateConfigError, ValidatedConfig};

/// A valid submission. `judged` and `not_judged` say how far that goes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Valid)]
pub(crate) struct ConfigJudgement {
    valid: bool,
    /// The account that is expected to own the bucket.
    bucket_account_id: AccountId,
    /// The values that were not submitted, each with the field that it follows from.
    #[schema(value_type = BTreeMap<String, String>, example = json!({"bucket_account_id": "role_arn"}))]
    derived: BTreeMap<&'static str, &'static str>,
    /// The submitted fields that were judged. For a tenant, also `tenant_modes` (the modes that it may use) and, for operators, `claims`
    /// (whether somebody else uses the bucket or the role).
    judged: Vec<&'static str>,
    /// What was not judged. Always contains `aws`: what only AWS can answer.
    #[schema(example = json!(["external_id", "tenant_modes", "claims", "aws"]))]
    not_judged: Vec<&'static str>,
    /// Why, for each entry of `not_judged`.
    #[schema(value_type = BTreeMap<String, String>)]
    reasons: BTreeMap<&'static str, &'static str>,
}

impl ConfigJudgement {
    pub(crate) fn new(submission: &Submission, validated: ValidatedConfig) -> Self {
        Self {
            valid: true,
            derived: submission.derived(&validated.storage),
            bucket_account_id: validated.storage.bucket_account,
            judged: validated.judged,
            not_judged: validated.not_judged.iter().map(|(subject, _)| *subject).collect(),
            reasons: validated.not_judged.into_iter().collect(),
        }
    }
}

impl From<ValidateConfigError> for Problem {
    fn from(error: ValidateConfigError) -> Self {
        match error {
            ValidateConfigError::Invalid(errors) => Self::validation(errors),
            ValidateConfigError::Store(error) => error.into(),
        }
    }
}
