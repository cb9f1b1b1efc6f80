//! Whether the regions of customers' buckets are enabled in the vendor's accounts. Opt-in regions are not by default.
//! <https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html>

use futures::future::join_all;

use super::{Found, ReportStatus, VendorReport, no_answer, report};
use crate::cloud::{AwsSession, SetupCloud};
use crate::domain::api_result::{ApiResult, Outcome};
use crate::domain::region::Region;
use crate::domain::vendor::Vendor;

/// An account of the vendor, and how to ask as it.
struct Asker<'a> {
    account: &'a str,
    /// None is the process.
    session: Option<AwsSession>,
}

/// `process` is the ARN of the process's identity. Without it, a region that is not enabled looks like wrong credentials.
///
/// In the mode `direct`, S3 and KMS are called by the customer-facing role, so its account counts too.
pub(super) async fn check(cloud: &dyn SetupCloud, vendor: &Vendor, regions: &[Region], process: Option<&String>) -> Vec<VendorReport> {
    let Some(account) = process.and_then(|arn| arn.split(':').nth(4)) else {
        let unasked = "It was not checked, because AWS did not confirm the identity of the process.";
        return regions
            .iter()
            .map(|region| report(format!("region {region}"), (ReportStatus::Unknown, unasked.into())))
            .collect();
    };
    let mut askers = vec![Asker { account, session: None }];
    let elsewhere = vendor.direct_role.as_ref().filter(|role| role.account().as_str() != account);
    if let Some(role) = elsewhere.filter(|_| !regions.is_empty())
        && let Outcome::Granted(session) = cloud.untagged_session(role).await.outcome
    {
        askers.push(Asker {
            account: role.account().as_str(),
            session: Some(session),
        });
    }
    let asked = regions.iter().flat_map(|region| askers.iter().map(move |asker| (region, asker)));
    join_all(asked.map(async |(region, asker)| {
        let answer = cloud.identity(asker.session.as_ref(), Some(region)).await;
        let subject = format!("region {region}, account {}", asker.account);
        report(subject, read(&answer, region, asker.account))
    }))
    .await
}

fn read(answer: &ApiResult<String>, region: &Region, account: &str) -> Found {
    match (&answer.outcome, answer.exchange.code.as_deref()) {
        (Outcome::Granted(_), _) => (ReportStatus::Passed, "It is enabled.".into()),
        // The same credentials are valid in the region of the process.
        (_, Some("InvalidClientTokenId" | "UnrecognizedClientException")) => (
            ReportStatus::Failed,
            format!(
                "The region {region} is not enabled in the account {account}, or the credentials come from the global endpoint of STS. Enable it \
                 on the Account page of the AWS console under AWS Regions, or with `aws account enable-region --region-name {region}`. That \
                 takes some minutes."
            ),
        ),
        (_, Some("RegionDisabledException")) => (
            ReportStatus::Failed,
            format!(
                "STS is not active in the region {region} for the account {account}. Activate it in the IAM console under Account settings, \
                 Security Token Service."
            ),
        ),
        _ => {
            let (_, sentence) = no_answer(answer);
            (ReportStatus::Unanswered, format!("STS in {region} gave no answer. {sentence}"))
        }
    }
}
