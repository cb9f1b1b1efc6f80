//! What is asked about the process itself, when ops check its set-up.

use aws_sdk_sts::Client;
use aws_sdk_sts::types::Tag;

use super::call::Call;
use crate::clock::Clock;
use crate::cloud::SessionName;
use crate::domain::api_result::{ApiResult, DeniedBy, Outcome};
use crate::domain::arn::RoleArn;

/// The session tags that EKS Pod Identity sets, all of them such as travel along a chain of roles.
/// <https://docs.aws.amazon.com/eks/latest/userguide/pod-id-abac.html>
const POD_IDENTITY_TAGS: [&str; 6] = [
    "eks-cluster-arn",
    "eks-cluster-name",
    "kubernetes-namespace",
    "kubernetes-service-account",
    "kubernetes-pod-name",
    "kubernetes-pod-uid",
];

pub async fn identity(sts: &Client, clock: &dyn Clock) -> ApiResult<String> {
    let call = Call::begin(DeniedBy::Sts, "sts:GetCallerIdentity", clock);
    let result = sts.get_caller_identity().customize().interceptor(call.ear()).send().await;
    call.end(result, |output| output.arn, None)
}

/// A tag that was handed down cannot be set again: STS calls that invalid, before it looks at any policy. A role that
/// refuses tags altogether refuses those of the process too.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_role-chaining>
pub async fn hands_tags_down(sts: &Client, role: &RoleArn, clock: &dyn Clock) -> ApiResult<bool> {
    let call = Call::begin(DeniedBy::Sts, "sts:AssumeRole", clock);
    let tags = POD_IDENTITY_TAGS.map(|key| {
        let tag = Tag::builder().key(key).value("latchkey-check");
        tag.build().expect("a tag has a key and a value")
    });
    let result = sts
        .assume_role()
        .role_arn(role.as_str())
        .role_session_name(SessionName::shared().as_str())
        .duration_seconds(900)
        .set_tags(Some(tags.to_vec()))
        .customize()
        .interceptor(call.ear())
        .send()
        .await;
    let answer = call.end(result, |_| Some(false), None);
    let outcome = match answer.outcome {
        Outcome::Unusable => Outcome::Granted(true),
        Outcome::Refused(_) => Outcome::Granted(false),
        other => other,
    };
    ApiResult { outcome, ..answer }
}
