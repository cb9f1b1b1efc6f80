//! What a light re-verification finds out.

use super::Outcome;
use crate::domain::api_result::{self, ApiResult};
use crate::domain::evidence::{KeyFacts, RoundTrip};

/// The results of its calls, empty where a call was not made because an earlier one was not granted.
#[derive(Debug, Default)]
pub struct LightEvidence {
    pub vendor_role: Option<ApiResult>,
    /// Only in `assume_role`.
    pub client_role: Option<ApiResult>,
    pub bucket: Option<ApiResult>,
    pub describe_key: Option<ApiResult<KeyFacts>>,
    pub decrypt: Option<ApiResult<RoundTrip>>,
}

impl LightEvidence {
    /// A difference outweighs a missing answer: what AWS denied stays denied, whatever the other calls would have shown.
    pub fn outcome(&self) -> Outcome {
        // The vendor's own role: whatever AWS answered, it says nothing about the customer.
        if self.vendor_role.as_ref().is_none_or(|role| role.granted().is_none()) {
            return Outcome::Unanswered;
        }
        let outcomes = [
            self.client_role.as_ref().map(|role| of(role, |()| true)),
            self.bucket.as_ref().map(|bucket| of(bucket, |()| true)),
            self.describe_key.as_ref().map(|key| of(key, |key| key.state == "Enabled")),
            self.decrypt.as_ref().map(|decrypt| of(decrypt, |bytes| *bytes == RoundTrip::Same)),
        ];
        let has = |outcome| outcomes.iter().flatten().any(|other| *other == outcome);
        if has(Outcome::Changed) {
            Outcome::Changed
        } else if has(Outcome::Unanswered) || self.bucket.is_none() {
            Outcome::Unanswered
        } else {
            Outcome::Unchanged
        }
    }

    /// The exchanges with AWS.
    pub fn calls(&self) -> impl Iterator<Item = &api_result::ApiCall> {
        let roles = [&self.vendor_role, &self.client_role, &self.bucket].into_iter().flatten();
        let key = self.describe_key.iter().map(|key| &key.exchange);
        let decrypt = self.decrypt.iter().map(|decrypt| &decrypt.exchange);
        roles.map(|role| &role.exchange).chain(key).chain(decrypt)
    }
}

fn of<T>(answer: &ApiResult<T>, is_as_before: impl FnOnce(&T) -> bool) -> Outcome {
    match &answer.outcome {
        api_result::Outcome::Granted(value) if is_as_before(value) => Outcome::Unchanged,
        api_result::Outcome::Unanswered => Outcome::Unanswered,
        _ => Outcome::Changed,
    }
}
