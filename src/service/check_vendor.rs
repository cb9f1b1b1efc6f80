//! Checking the vendor's own set-up in AWS, before the first tenant meets its faults.

use futures::future::join3;

use crate::clock::SharedClock;
use crate::cloud::{Cloud, SessionName};
use crate::domain::api_result::{ApiResult, DenialReason, Outcome, PolicyKind};
use crate::domain::arn::RoleArn;
use crate::domain::external_id::ExternalId;
use crate::domain::vendor::Vendor;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VendorReport {
    pub subject: &'static str,
    pub result: Result<String, VendorFault>,
}

/// What is wrong, and its remedy, in a sentence or two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VendorFault {
    pub sentence: String,
    /// AWS or the network was silent: nothing is known.
    pub open: bool,
}

/// Looks at the process's own credentials and at each role of the vendor's.
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
                let mut looks = check_role(cloud, "customer-facing role", role, cloud.untagged_session(role).await).await;
                let tagged = cloud.tagged_session(role, &nobody, &name).await;
                looks.push(VendorReport {
                    subject: "customer-facing role, with a tag",
                    result: read(role, &tagged).map(|()| "It can be assumed with a tenant's session tag.".into()),
                });
                looks
            }
            None => Vec::new(),
        }
    };
    let (identity, storage, direct) = join3(cloud.own_identity(), storage, direct).await;
    let own = VendorReport {
        subject: "process",
        result: match &identity.outcome {
            Outcome::Granted(arn) => Ok(format!("It goes by {arn}.")),
            _ => Err(silent(&identity)),
        },
    };
    [own].into_iter().chain(storage).chain(direct).collect()
}

async fn check_role<T>(cloud: &dyn Cloud, subject: &'static str, role: &RoleArn, assumed: ApiResult<T>) -> Vec<VendorReport> {
    let result = match read(role, &assumed) {
        Err(fault) => Err(fault),
        Ok(()) => match cloud.passes_tags_on(role).await.outcome {
            Outcome::Granted(true) => Err(travelling(role)),
            _ => Ok(format!("{role} can be assumed.")),
        },
    };
    vec![VendorReport { subject, result }]
}

fn read<T>(role: &RoleArn, assumed: &ApiResult<T>) -> Result<(), VendorFault> {
    let refusal = match &assumed.outcome {
        Outcome::Granted(_) => return Ok(()),
        Outcome::Refused(refusal) => refusal,
        _ => return Err(silent(assumed)),
    };
    let sentence = match (&refusal.action, refusal.reason) {
        (Some(action), _) if action == "sts:TagSession" => format!(
            "{role} refuses session tags: allow sts:TagSession in its trust policy, and in the permissions of the process. If the process \
             sets none itself, its own travel along (EKS Pod Identity sets some): switch them off."
        ),
        (_, DenialReason::NotAllowedBy(PolicyKind::Identity)) => {
            format!("The process may not assume {role}: allow sts:AssumeRole on it in the permissions of the process.")
        }
        _ => format!(
            "{role} does not let the process in: see that it exists, that its trust policy names the process, and that the process may \
             sts:AssumeRole it."
        ),
    };
    Err(VendorFault { sentence, open: false })
}

fn travelling(role: &RoleArn) -> VendorFault {
    VendorFault {
        sentence: format!(
            "Session tags of the process travel along when it assumes {role}, and every customer's role would have to allow them: switch \
             them off (EKS Pod Identity: disableSessionTags)."
        ),
        open: false,
    }
}

fn silent<T>(answer: &ApiResult<T>) -> VendorFault {
    let (sentence, open) = match (answer.exchange.code.as_deref(), answer.exchange.status) {
        (Some("RequestTimeTooSkewed" | "SignatureDoesNotMatch" | "RequestExpired"), _) => (
            "AWS does not accept the signature: see that this machine's clock is right, and the secret key.".into(),
            false,
        ),
        (Some(code @ ("InvalidClientTokenId" | "UnrecognizedClientException" | "ExpiredToken" | "ExpiredTokenException")), _) => (
            format!("AWS does not accept the process's credentials ({code}): give it others, by a role of its own, or by AWS_PROFILE."),
            false,
        ),
        (Some(code), _) => (format!("AWS gave no answer ({code}): try again."), true),
        (None, Some(status)) => (
            format!("Something that is not AWS answered with {status}: look at proxies and AWS_ENDPOINT_URL."),
            true,
        ),
        (None, None) => (
            "AWS was not reached, or the process has no credentials: look at its role or AWS_PROFILE, at AWS_REGION, and at the network."
                .into(),
            true,
        ),
    };
    VendorFault { sentence, open }
}
