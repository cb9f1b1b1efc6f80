//! `sts:AssumeRole`. <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sdk_sts::Client;
use aws_sdk_sts::operation::assume_role::AssumeRoleOutput;
use aws_sdk_sts::types::Tag;

use super::call::Call;
use crate::clock::Clock;
use crate::cloud::{AwsSession, SessionName};
use crate::domain::api_result::{ApiResult, DeniedBy};
use crate::domain::arn::RoleArn;
use crate::domain::external_id::ExternalId;
use crate::domain::grant::SessionDuration;
use crate::domain::region::Region;
use crate::domain::templates::statements::TAG;

/// The shortest session that STS issues. A verification ends long before.
pub(super) const VERIFICATION_SECONDS: i32 = 900;

/// A request to assume a role.
pub(crate) struct AssumeRole<'a> {
    role: &'a RoleArn,
    name: &'a SessionName,
    seconds: i32,
    external_id: Option<&'a ExternalId>,
    tag: Option<&'a ExternalId>,
    policy: Option<&'a str>,
}

impl<'a> AssumeRole<'a> {
    pub(crate) fn role(role: &'a RoleArn, name: &'a SessionName) -> Self {
        Self {
            role,
            name,
            seconds: VERIFICATION_SECONDS,
            external_id: None,
            tag: None,
            policy: None,
        }
    }

    /// Limits the session by a session policy.
    pub(crate) fn with_session_policy(mut self, policy: Option<&'a str>) -> Self {
        self.policy = policy;
        self
    }

    /// Makes the session as long as role chaining allows, to be cached and shared.
    pub(crate) fn for_sharing(self) -> Self {
        self.lasting(SessionDuration::default())
    }

    pub(crate) fn lasting(mut self, duration: SessionDuration) -> Self {
        self.seconds = duration.seconds().into();
        self
    }

    pub(crate) fn with_external_id(mut self, id: Option<&'a ExternalId>) -> Self {
        self.external_id = id;
        self
    }

    /// Sets the external ID as a session tag. The tag is not transitive.
    pub(crate) fn with_tag(mut self, id: &'a ExternalId) -> Self {
        self.tag = Some(id);
        self
    }

    pub(crate) async fn send(self, sts: &Client, clock: &dyn Clock) -> ApiResult<AwsSession> {
        let region = sts.config().region().and_then(|region| Region::parse(region.as_ref()).ok());
        let call = Call::start(DeniedBy::Sts, "sts:AssumeRole", clock);
        let call = match &region {
            Some(region) => call.to(region),
            None => call,
        };
        let tags = self.tag.map(|id| {
            let tag = Tag::builder().key(TAG).value(id.as_str());
            vec![tag.build().expect("a tag has a key and a value")]
        });
        let result = sts
            .assume_role()
            .role_arn(self.role.as_str())
            .role_session_name(self.name.as_str())
            .duration_seconds(self.seconds)
            .set_external_id(self.external_id.map(|id| id.as_str().to_owned()))
            .set_tags(tags)
            .set_policy(self.policy.map(str::to_owned))
            .customize()
            .interceptor(call.capture())
            .send()
            .await;
        call.finish(result, session, None)
    }
}

fn session(output: AssumeRoleOutput) -> Option<AwsSession> {
    let given = output.credentials?;
    let expires = SystemTime::try_from(given.expiration).ok()?;
    if given.access_key_id.is_empty() || given.secret_access_key.is_empty() || given.session_token.is_empty() {
        return None;
    }
    Some(AwsSession(Credentials::new(
        given.access_key_id,
        given.secret_access_key,
        Some(given.session_token),
        Some(expires),
        "AssumeRole",
    )))
}
