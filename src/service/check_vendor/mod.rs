//! Checks the vendor's own setup in AWS, before its faults affect a tenant.

mod clock;
mod customer_roles;
mod network;
mod own_buckets;
mod quota;
mod regions;
mod roles;

use futures::future::{join, join4};
use strum::Display;

use crate::clock::SharedClock;
use crate::cloud::SetupCloud;
use crate::domain::api_result::{ApiResult, Outcome};
use crate::domain::arn::BucketName;
use crate::domain::region::Region;
use crate::domain::vendor::Vendor;
use crate::service::credential_cache::SessionRates;

/// What to check.
pub struct VendorSetup<'a> {
    pub vendor: &'a Vendor,
    /// Buckets of the vendor that its roles must not reach.
    pub own_buckets: &'a [BucketName],
    /// Regions of customers' buckets.
    pub regions: &'a [Region],
    /// None if the process makes no sessions for internal services.
    pub rates: Option<SessionRates>,
}

/// The result of one check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VendorReport {
    pub subject: String,
    pub status: ReportStatus,
    /// What was found and, if it is a problem, how to fix it.
    pub sentence: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Display)]
#[strum(serialize_all = "snake_case")]
pub enum ReportStatus {
    /// AWS's response proves it.
    #[strum(serialize = "ok")]
    Passed,
    /// Not a check: AWS was not asked.
    Note,
    /// It works, but not as safely as it should.
    Warning,
    Failed,
    /// AWS's response does not tell.
    Unknown,
    /// AWS or the network gave no answer, so another attempt may have a result.
    #[strum(serialize = "unknown")]
    Unanswered,
}

/// A status, and the sentence that explains it.
type Found = (ReportStatus, String);

fn report(subject: impl Into<String>, (status, sentence): Found) -> VendorReport {
    VendorReport {
        subject: subject.into(),
        status,
        sentence,
    }
}

/// Makes every check. Each is reported, whatever became of the others.
pub async fn check_vendor(cloud: &dyn SetupCloud, setup: VendorSetup<'_>, clock: &SharedClock) -> Vec<VendorReport> {
    let vendor = setup.vendor;
    let identity = cloud.identity(None, None).await;
    let own = report(
        "process",
        match &identity.outcome {
            Outcome::Granted(arn) => (ReportStatus::Passed, format!("Authenticated as {arn}.")),
            _ => no_answer(&identity),
        },
    );
    let time = report("clock", clock::check(&identity, clock.now()));
    let (storage, direct, regions, buckets) = join4(
        async {
            match &vendor.storage_role {
                Some(role) => {
                    let (own, customers) = join(roles::storage(cloud, role), customer_roles::check(cloud, vendor, role)).await;
                    own.into_iter().chain([report("customers' roles", customers)]).collect()
                }
                None => Vec::new(),
            }
        },
        async {
            match &vendor.direct_role {
                Some(role) if vendor.storage_role.is_some() => {
                    let (own, customers) = join(
                        roles::direct(cloud, role, clock),
                        customer_roles::check_other_role(cloud, vendor, role),
                    )
                    .await;
                    own.into_iter()
                        .chain([report("customers' roles, by the customer-facing role", customers)])
                        .collect()
                }
                Some(role) => roles::direct(cloud, role, clock).await,
                None => Vec::new(),
            }
        },
        regions::check(cloud, vendor, setup.regions, identity.granted()),
        own_buckets::check(cloud, vendor, setup.own_buckets, clock),
    )
    .await;
    let network = network::check(cloud, vendor).await;
    let quota = setup.rates.map(|rates| report("STS quota", quota::check(rates)));
    [own, time]
        .into_iter()
        .chain(storage)
        .chain(direct)
        .chain(buckets)
        .chain(regions)
        .chain(network)
        .chain(quota)
        .collect()
}

/// A response that says nothing about the vendor's setup but, at most, about its credentials.
fn no_answer<T>(answer: &ApiResult<T>) -> Found {
    match (answer.exchange.code.as_deref(), answer.exchange.status) {
        (Some("RequestTimeTooSkewed" | "SignatureDoesNotMatch" | "RequestExpired"), _) => (
            ReportStatus::Failed,
            "AWS rejects the request signature. Check the clock of this machine and the secret key.".into(),
        ),
        (Some(code @ ("InvalidClientTokenId" | "UnrecognizedClientException" | "ExpiredToken" | "ExpiredTokenException")), _) => (
            ReportStatus::Failed,
            format!("AWS rejects the credentials of the process ({code}). Give the process a role, or set AWS_PROFILE."),
        ),
        (Some(code), _) => (ReportStatus::Unanswered, format!("AWS did not respond ({code}). Try again.")),
        (None, Some(status)) => (
            ReportStatus::Unanswered,
            format!("The response with status {status} is not from AWS. Check proxies and AWS_ENDPOINT_URL."),
        ),
        (None, None) => (
            ReportStatus::Unanswered,
            "AWS cannot be reached, or the process has no credentials. Check its role or AWS_PROFILE, AWS_REGION, and the network.".into(),
        ),
    }
}
