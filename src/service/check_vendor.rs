//! Checks the vendor's own setup in AWS, before its faults affect a tenant.

use futures::future::join3;

use crate::clock::SharedClock;
use crate::cloud::{Cloud, SessionName};
use crate::domain::api_result::{ApiResult, DenialReason, Outcome, PolicyKind};
use crate::domain::arn::RoleArn;
use crate::domain::external_id::ExternalId;
use crate::domain::vendor::Vendor;

/// The result for one role, or for the process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VendorReport {
    pub subject: &'static str,
    pub result: Result<String, VendorFault>,
}

/// A problem and how to fix it, in a sentence or two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VendorFault {
    pub sentence: String,
    /// AWS or the network gave no answer, so nothing is known.
    pub inconclusive: bool,
}

/// Checks the credentials of the process and each role of the vendor.
pub async fn check_vendor(cloud: &dyn Cloud, vendor: &Vendor, clock: &SharedClock) -> Vec<VendorReport> {
    let storage = async {
        match &vendor.storage_role {
            Some(role) => check_role(cloud, "storage role", role, cloud.storage_session(role).await).await,
            None => Vec::new(),
        }
    };
    let direct = async {
        match &vendor.direct_role {
            Some(role) => {
                let name = SessionName::shared();
                let nobody = ExternalId::from_random(clock.random());
                let mut reports = check_role(cloud, "customer-facing role", role, cloud.untagged_session(role).await).await;
                let tagged = cloud.tagged_session(role, &nobody, &name, None).await;
                reports.push(VendorReport {
                    subject: "customer-facing role, with a tag",
                    result: read(role, &tagged).map(|()| "It can be assumed with a tenant's session tag.".into()),
                });
                reports
            }
            None => Vec::new(),
        }
    };
    let (identity, storage, direct) = join3(cloud.own_identity(), storage, direct).await;
    let own = VendorReport {
        subject: "process",
        result: match &identity.outcome {
            Outcome::Granted(arn) => Ok(format!("Authenticated as {arn}.")),
            _ => Err(no_answer(&identity)),
        },
    };
    [own].into_iter().chain(storage).chain(direct).collect()
}

async fn check_role<T>(cloud: &dyn Cloud, subject: &'static str, role: &RoleArn, assumed: ApiResult<T>) -> Vec<VendorReport> {
    let result = match read(role, &assumed) {
        Err(fault) => Err(fault),
        Ok(()) => match cloud.passes_tags_on(role).await.outcome {
            Outcome::Granted(true) => Err(transitive_tags(role)),
            _ => Ok(format!("{role} can be assumed.")),
        },
    };
    vec![VendorReport { subject, result }]
}

fn read<T>(role: &RoleArn, assumed: &ApiResult<T>) -> Result<(), VendorFault> {
    let refusal = match &assumed.outcome {
        Outcome::Granted(_) => return Ok(()),
        Outcome::Refused(refusal) => refusal,
        _ => return Err(no_answer(assumed)),
    };
    let sentence = match (&refusal.action, refusal.reason) {
        (Some(action), _) if action == "sts:TagSession" => format!(
            "{role} denies session tags. Allow sts:TagSession in its trust policy and in the permissions of the process. If Latchkey sets no \
             session tags itself, it inherits transitive tags, for example from EKS Pod Identity. Disable them there."
        ),
        (_, DenialReason::NotAllowedBy(PolicyKind::Identity)) => {
            format!("The process is not allowed to assume {role}. Allow sts:AssumeRole on it in the permissions of the process.")
        }
        _ => format!(
            "{role} cannot be assumed. Check that it exists, that its trust policy names the process, and that the process is allowed \
             sts:AssumeRole on it."
        ),
    };
    Err(VendorFault {
        sentence,
        inconclusive: false,
    })
}

fn transitive_tags(role: &RoleArn) -> VendorFault {
    VendorFault {
        sentence: format!(
            "The process has transitive session tags, which it passes on when it assumes {role}. Every customer's role would have to allow \
             them. Disable them (EKS Pod Identity: disableSessionTags)."
        ),
        inconclusive: false,
    }
}

fn no_answer<T>(answer: &ApiResult<T>) -> VendorFault {
    let (sentence, inconclusive) = match (answer.exchange.code.as_deref(), answer.exchange.status) {
        (Some("RequestTimeTooSkewed" | "SignatureDoesNotMatch" | "RequestExpired"), _) => (
            "AWS rejects the request signature. Check the clock of this machine and the secret key.".into(),
            false,
        ),
        (Some(code @ ("InvalidClientTokenId" | "UnrecognizedClientException" | "ExpiredToken" | "ExpiredTokenException")), _) => (
            format!("AWS rejects the credentials of the process ({code}). Give the process a role, or set AWS_PROFILE."),
            false,
        ),
        (Some(code), _) => (format!("AWS did not respond ({code}). Try again."), true),
        (None, Some(status)) => (
            format!("The response with status {status} is not from AWS. Check proxies and AWS_ENDPOINT_URL."),
            true,
        ),
        (None, None) => (
            "AWS cannot be reached, or the process has no credentials. Check its role or AWS_PROFILE, AWS_REGION, and the network.".into(),
            true,
        ),
    };
    VendorFault { sentence, inconclusive }
}
