//! The vendor's two roles: whether the process can assume them, what it passes on to them, and whether the customer-facing role
//! accepts any session tags but a tenant's.

use super::{Found, ReportStatus, VendorReport, no_answer, report};
use crate::clock::SharedClock;
use crate::cloud::{AssumedRole, SetupCloud};
use crate::domain::api_result::{ApiResult, DenialReason, Outcome, PolicyKind};
use crate::domain::arn::RoleArn;
use crate::domain::external_id::ExternalId;
use crate::domain::templates::statements::TAG;

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

pub(super) async fn storage(cloud: &dyn SetupCloud, role: &RoleArn) -> Vec<VendorReport> {
    assumable(cloud, "storage role", role).await.into()
}

pub(super) async fn direct(cloud: &dyn SetupCloud, role: &RoleArn, clock: &SharedClock) -> Vec<VendorReport> {
    let subject = "customer-facing role";
    let mut reports: Vec<VendorReport> = assumable(cloud, subject, role).await.into();
    let nobody = ExternalId::from_random(clock.random());
    let tag = (TAG, nobody.as_str());
    let tagged = cloud.assume_with_tags(role, &[tag]).await;
    reports.push(report(
        format!("{subject}, with a tag"),
        match &tagged.outcome {
            Outcome::Granted(_) => (ReportStatus::Passed, "It can be assumed with a tenant's session tag.".into()),
            _ => refused(role, &tagged),
        },
    ));
    let others = [
        ("another tag", "a second session tag", vec![tag, ("latchkey-check", "x")]),
        (
            "another value",
            "a session tag that is no external ID",
            vec![(TAG, "not-an-external-id")],
        ),
    ];
    for (name, what, tags) in others {
        let found = if tagged.granted().is_some() {
            only_the_tenants_tag(role, what, &cloud.assume_with_tags(role, &tags).await)
        } else {
            let unasked = "It was not checked, because the role cannot be assumed with a tenant's tag.";
            (ReportStatus::Unknown, unasked.into())
        };
        reports.push(report(format!("{subject}, with {name}"), found));
    }
    reports
}

/// Whether the process can assume the role, and whether its session hands down tags or a source identity.
async fn assumable(cloud: &dyn SetupCloud, subject: &str, role: &RoleArn) -> [VendorReport; 2] {
    let plain = cloud.assume_with_tags(role, &[]).await;
    let inherited = match &plain.outcome {
        Outcome::Granted(AssumedRole {
            source_identity: Some(identity),
        }) => (ReportStatus::Failed, source_identity(&format!("the source identity {identity}"))),
        Outcome::Granted(_) => {
            let tags = POD_IDENTITY_TAGS.map(|key| (key, "latchkey-check"));
            transitive_tags(role, &cloud.assume_with_tags(role, &tags).await)
        }
        Outcome::Refused(refusal) => match refusal.action.as_deref() {
            Some("sts:TagSession") => (ReportStatus::Failed, inherited_tags()),
            Some("sts:SetSourceIdentity") => (ReportStatus::Failed, source_identity("a source identity")),
            _ => (
                ReportStatus::Unknown,
                "It was not checked, because the role cannot be assumed.".into(),
            ),
        },
        _ => (ReportStatus::Unanswered, no_answer(&plain).1),
    };
    let assumed = match &plain.outcome {
        Outcome::Granted(_) => (ReportStatus::Passed, format!("{role} can be assumed.")),
        _ => refused(role, &plain),
    };
    [report(subject, assumed), report(format!("{subject}, inherited"), inherited)]
}

/// STS rejects a request that sets a transitive tag again as invalid, before it evaluates any policy.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_role-chaining>
fn transitive_tags(role: &RoleArn, again: &ApiResult<AssumedRole>) -> Found {
    match again.outcome {
        Outcome::Unusable => (ReportStatus::Failed, inherited_tags()),
        Outcome::Granted(_) | Outcome::Refused(_) => (
            ReportStatus::Passed,
            format!("The process passes no source identity on to {role}, and none of the session tags of EKS Pod Identity."),
        ),
        _ => (ReportStatus::Unanswered, no_answer(again).1),
    }
}

fn only_the_tenants_tag(role: &RoleArn, what: &str, asked: &ApiResult<AssumedRole>) -> Found {
    match &asked.outcome {
        Outcome::Refused(_) => (ReportStatus::Passed, "STS denies it, as it should.".into()),
        Outcome::Granted(_) => (
            ReportStatus::Warning,
            format!(
                "{role} accepts {what}. Customers' policies trust the session tags of this role, so it should accept only {TAG} with an external \
                 ID. Apply the trust policy of `latchkey vendor template`."
            ),
        ),
        _ => (ReportStatus::Unanswered, no_answer(asked).1),
    }
}

fn refused<T>(role: &RoleArn, assumed: &ApiResult<T>) -> Found {
    let Outcome::Refused(refusal) = &assumed.outcome else {
        return no_answer(assumed);
    };
    let sentence = match (refusal.action.as_deref(), refusal.reason) {
        (Some("sts:TagSession"), _) => format!(
            "{role} denies session tags. Allow sts:TagSession in its trust policy and in the permissions of the process. If Latchkey sets no \
             session tags itself, it inherits transitive tags, for example from EKS Pod Identity. Disable them there."
        ),
        (Some("sts:SetSourceIdentity"), _) => format!("{role} denies the source identity that the process passes on."),
        (_, DenialReason::NotAllowedBy(PolicyKind::Identity)) => {
            format!("The process is not allowed to assume {role}. Allow sts:AssumeRole on it in the permissions of the process.")
        }
        _ => format!(
            "{role} cannot be assumed. Check that it exists, that its trust policy names the process, and that the process is allowed \
             sts:AssumeRole on it."
        ),
    };
    (ReportStatus::Failed, sentence)
}

fn inherited_tags() -> String {
    "The process has transitive session tags, which AWS passes on to every role in the chain. Every customer's role would have to allow \
     sts:TagSession. Disable them (EKS Pod Identity: disableSessionTags)."
        .into()
}

fn source_identity(what: &str) -> String {
    format!(
        "The process has {what}, which AWS passes on to every role in the chain. Every customer's role would have to allow \
         sts:SetSourceIdentity. Give the process credentials without one: SourceIdentity must not be set when its role is assumed."
    )
}
