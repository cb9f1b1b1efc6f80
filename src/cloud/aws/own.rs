//! Calls about the process's own identity, for `latchkey check-config --aws`.

use aws_sdk_sts::Client;
use aws_sdk_sts::types::Tag;

use super::call::Call;
use crate::clock::Clock;
use crate::cloud::SessionName;
use crate::domain::api_result::{ApiResult, DeniedBy, Outcome};
use crate::domain::arn::RoleArn;

/// The session tags that EKS Pod Identity sets. All of them are transitive.
/// <https://docs.aws.amazon.com/eks/latest/userguide/pod-id-abac.html>
const POD_IDENTITY_TAGS: [&str; 6] = [
    "eks-cluster-arn",
    "eks-cluster-name",
    "kubernetes-namespace",
    "kubernetes-service-account",
    "kubernetes-pod-name",
    "kubernetes-pod-uid",
];

pub(crate) async fn identity(sts: &Client, clock: &dyn Clock) -> ApiResult<String> {
    let call = Call::start(DeniedBy::Sts, "sts:GetCallerIdentity", clock);
    let result = sts.get_caller_identity().customize().interceptor(call.capture()).send().await;
    call.finish(result, |output| output.arn, None)
}

/// Whether the process's session has transitive tags. STS rejects a request that sets a transitive tag again as invalid,
/// before it evaluates any policy. A role that denies `sts:TagSession` denies inherited tags as well.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_role-chaining>
pub(crate) async fn passes_tags_on(sts: &Client, role: &RoleArn, clock: &dyn Clock) -> ApiResult<bool> {
    let call = Call::start(DeniedBy::Sts, "sts:AssumeRole", clock);
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
        .interceptor(call.capture())
        .send()
        .await;
    let answer = call.finish(result, |_| Some(false), None);
    let outcome = match answer.outcome {
        Outcome::Unusable => Outcome::Granted(true),
        Outcome::Refused(_) => Outcome::Granted(false),
        other => other,
    };
    ApiResult { outcome, ..answer }
}
