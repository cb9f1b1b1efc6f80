//! [`SetupCloud`] implemented with the AWS SDKs.

use async_trait::async_trait;
use aws_sdk_sts::types::Tag;

use super::AwsCloud;
use super::assume::VERIFICATION_SECONDS;
use super::call::Call;
use crate::cloud::{AssumedRole, AwsSession, SessionName, SetupCloud};
use crate::domain::api_result::{ApiResult, DeniedBy};
use crate::domain::arn::RoleArn;
use crate::domain::region::Region;

#[async_trait]
impl SetupCloud for AwsCloud {
    fn own_region(&self) -> Option<Region> {
        let region = self.own_sts.config().region()?;
        Region::parse(region.as_ref()).ok()
    }

    async fn identity(&self, by: Option<&AwsSession>, region: Option<&Region>) -> ApiResult<String> {
        let mut config = match by {
            Some(session) => self.sts.to_builder().credentials_provider(session.0.clone()),
            None => self.own_sts.config().to_builder(),
        };
        if let Some(region) = region {
            config = config.region(aws_sdk_sts::config::Region::new(region.to_string()));
        }
        let sts = aws_sdk_sts::Client::from_conf(config.build());
        let call = Call::start(DeniedBy::Sts, "sts:GetCallerIdentity", self.clock.as_ref());
        let result = sts.get_caller_identity().customize().interceptor(call.capture()).send().await;
        call.finish(result, |output| output.arn, None)
    }

    async fn identity_from_outside(&self) -> Option<ApiResult<String>> {
        let outside = self.outside.as_deref()?;
        Some(outside.identity(None, None).await)
    }

    async fn assume_with_tags(&self, role: &RoleArn, tags: &[(&str, &str)]) -> ApiResult<AssumedRole> {
        let call = Call::start(DeniedBy::Sts, "sts:AssumeRole", self.clock.as_ref());
        let tags = tags.iter().map(|(key, value)| {
            let tag = Tag::builder().key(*key).value(*value);
            tag.build().expect("a tag has a key and a value")
        });
        let result = self
            .own_sts
            .assume_role()
            .role_arn(role.as_str())
            .role_session_name(SessionName::shared().as_str())
            .duration_seconds(VERIFICATION_SECONDS)
            .set_tags(Some(tags.collect()))
            .customize()
            .interceptor(call.capture())
            .send()
            .await;
        let read = |output: aws_sdk_sts::operation::assume_role::AssumeRoleOutput| AssumedRole {
            source_identity: output.source_identity,
        };
        call.finish(result, |output| Some(read(output)), None)
    }
}
