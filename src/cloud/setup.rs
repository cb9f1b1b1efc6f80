//! The calls of `latchkey check-config --aws` about the vendor's own setup. None of them changes anything.

use async_trait::async_trait;

use super::{AwsSession, Cloud};
use crate::domain::api_result::ApiResult;
use crate::domain::arn::RoleArn;
use crate::domain::region::Region;

/// What AWS says about a session on a role. Its credentials are dropped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AssumedRole {
    pub source_identity: Option<String>,
}

#[async_trait]
pub trait SetupCloud: Cloud {
    /// The region of the STS endpoint that the process calls.
    fn own_region(&self) -> Option<Region>;

    /// Returns the ARN of the session's identity, or of the process's own, from STS in this region.
    async fn identity(&self, by: Option<&AwsSession>, region: Option<&Region>) -> ApiResult<String>;

    /// Returns the ARN of the process's own identity, asked from outside of the vendor's network. None if there is no way.
    async fn identity_from_outside(&self) -> Option<ApiResult<String>>;

    /// Assumes a role of the vendor with these session tags.
    async fn assume_with_tags(&self, role: &RoleArn, tags: &[(&str, &str)]) -> ApiResult<AssumedRole>;
}
