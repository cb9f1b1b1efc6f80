//! Whether the storage role may assume customers' roles.
//!
//! Across accounts, STS denies a role that the caller may not assume and one that does not let the caller in with the same
//! message, so without this check every customer would be asked to fix its trust policy. STS names the policy only if it
//! is the vendor's and, often, not even then. So IAM's policy simulator is asked as well.

use super::{Found, ReportStatus, no_answer};
use crate::cloud::{SessionName, SetupCloud};
use crate::domain::api_result::{AccessDenied, DenialReason, Outcome, PolicyKind};
use crate::domain::arn::RoleArn;
use crate::domain::vendor::Vendor;

/// An account of AWS's documentation, which no customer has.
const NOBODYS_ACCOUNT: &str = "123456789012";
const ROLE_NAME_LIMIT: usize = 64;

pub(super) async fn check(cloud: &dyn SetupCloud, vendor: &Vendor, role: &RoleArn) -> Found {
    let Outcome::Granted(session) = cloud.storage_session(role).await.outcome else {
        return (
            ReportStatus::Unknown,
            "It was not checked, because the role cannot be assumed.".into(),
        );
    };
    let target = nobodys_role(vendor);
    let answer = cloud.client_session(&session, &target, None, &SessionName::shared(), None).await;
    match &answer.outcome {
        Outcome::Refused(refusal) if names_the_vendors_policy(refusal) => return (ReportStatus::Failed, remedy(role, &target)),
        Outcome::Refused(_) => {}
        _ => return (ReportStatus::Unanswered, no_answer(&answer).1),
    }
    let simulated = cloud.simulate_assuming(role, &target).await;
    match &simulated.outcome {
        Outcome::Granted(true) => (
            ReportStatus::Passed,
            format!("The permissions of {role} allow it to assume them, according to IAM's policy simulator."),
        ),
        Outcome::Granted(false) => (ReportStatus::Failed, remedy(role, &target)),
        Outcome::Refused(_) => (
            ReportStatus::Unknown,
            format!(
                "It is unknown whether {role} is allowed to assume customers' roles. The response of STS does not tell, and IAM denies the process \
                 its policy simulator. Compare the permissions of the role to `latchkey vendor template`, or allow the process \
                 iam:SimulatePrincipalPolicy on the role, which has to be in the same account."
            ),
        ),
        Outcome::Unanswered => {
            let (_, sentence) = no_answer(&simulated);
            (
                ReportStatus::Unanswered,
                format!("IAM's policy simulator gave no answer. {sentence}"),
            )
        }
        _ => (
            ReportStatus::Unknown,
            format!("IAM's policy simulator gave no result for {role}. Compare the role's permissions to `latchkey vendor template`."),
        ),
    }
}

/// The same for the customer-facing role. Verifications try it with customers' roles, which must deny it.
pub(super) async fn check_other_role(cloud: &dyn SetupCloud, vendor: &Vendor, role: &RoleArn) -> Found {
    match check(cloud, vendor, role).await {
        (ReportStatus::Failed, _) => (
            ReportStatus::Warning,
            format!(
                "{role} is not allowed to assume customers' roles, so verifications cannot tell whether a customer's role trusts more than the \
                 storage role. Apply the permissions of `latchkey vendor template` to it."
            ),
        ),
        found => found,
    }
}

/// A role that the storage role must be allowed to assume, and that does not exist.
fn nobodys_role(vendor: &Vendor) -> RoleArn {
    let prefix = vendor.client_role_prefix.as_ref().map_or("", |prefix| prefix.as_str());
    let name: String = format!("{prefix}latchkey-check").chars().take(ROLE_NAME_LIMIT).collect();
    let arn = format!("arn:{}:iam::{NOBODYS_ACCOUNT}:role/{name}", vendor.partition());
    RoleArn::parse(&arn).expect("the prefix is the start of a role name")
}

/// The session is the vendor's, and a resource policy the customer's.
fn names_the_vendors_policy(refusal: &AccessDenied) -> bool {
    let (DenialReason::NotAllowedBy(kind) | DenialReason::DeniedBy(kind)) = refusal.reason else {
        return false;
    };
    match kind {
        PolicyKind::Identity
        | PolicyKind::PermissionsBoundary
        | PolicyKind::Session
        | PolicyKind::ServiceControl
        | PolicyKind::VpcEndpoint => true,
        PolicyKind::Resource | PolicyKind::RoleTrust | PolicyKind::ResourceControl => false,
    }
}

fn remedy(role: &RoleArn, target: &RoleArn) -> String {
    format!(
        "{role} is not allowed to assume customers' roles, such as {target}, so every customer would be denied. Apply the permissions of \
         `latchkey vendor template` to it. If it has them, look for a permissions boundary or a service control policy that denies \
         sts:AssumeRole."
    )
}
