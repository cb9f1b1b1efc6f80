//! IAM's policy simulator. <https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html>

use aws_sdk_iam::operation::simulate_principal_policy::SimulatePrincipalPolicyOutput;
use aws_sdk_iam::types::PolicyEvaluationDecisionType;
use aws_sdk_iam::{Client, Config};

use super::call::Call;
use crate::clock::Clock;
use crate::domain::api_result::{ApiResult, DeniedBy};
use crate::domain::arn::RoleArn;

/// Whether the policies of `role` let it assume `target`.
pub(super) async fn assuming(config: &Config, clock: &dyn Clock, role: &RoleArn, target: &RoleArn) -> ApiResult<bool> {
    let iam = Client::from_conf(config.clone());
    let call = Call::start(DeniedBy::Iam, "iam:SimulatePrincipalPolicy", clock);
    let result = iam
        .simulate_principal_policy()
        .policy_source_arn(role.as_str())
        .action_names("sts:AssumeRole")
        .resource_arns(target.as_str())
        .customize()
        .interceptor(call.capture())
        .send()
        .await;
    let read = |output: SimulatePrincipalPolicyOutput| {
        let results = output.evaluation_results?;
        let [result] = results.as_slice() else { return None };
        Some(*result.eval_decision() == PolicyEvaluationDecisionType::Allowed)
    };
    call.finish(result, read, None)
}
