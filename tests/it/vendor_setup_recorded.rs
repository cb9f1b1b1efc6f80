//! `check-config --aws` with responses of AWS that the stand-in cannot give.

use std::sync::Arc;

use latchkey::cloud::aws::{AwsCloud, AwsOptions};
use latchkey::domain::arn::RoleArn;
use latchkey::domain::region::Region;
use latchkey::domain::vendor::Vendor;
use latchkey::service::check_vendor::{ReportStatus, VendorReport, VendorSetup, check_vendor};
use rstest::rstest;

use crate::recorded::{Wire, config};
use crate::recorded_aws::{Call, RecordedAws, Reply, VENDOR_ROLE, refused_by_sts, sts_error};
use crate::support::clock::clock;

async fn check(script: impl Fn(&Call) -> Option<Reply> + Send + Sync + 'static) -> Vec<VendorReport> {
    let wire = Wire::of(Arc::new(RecordedAws::but(script)));
    let aws = AwsCloud::from_config(&config(wire).await, AwsOptions { s3_path_style: true }, clock());
    let vendor = Vendor {
        storage_role: Some(RoleArn::parse(VENDOR_ROLE).unwrap()),
        ..Vendor::unnamed()
    };
    let setup = VendorSetup {
        vendor: &vendor,
        own_buckets: &[],
        regions: &[Region::parse("me-south-1").unwrap()],
        rates: None,
    };
    check_vendor(&aws, setup, &clock()).await
}

fn status(reports: &[VendorReport], subject: &str) -> ReportStatus {
    let report = reports.iter().find(|report| report.subject.starts_with(subject));
    report.unwrap_or_else(|| panic!("{subject} is not in {reports:?}")).status
}

/// The responses of AWS to a caller that sets an inherited tag, and to one that passes a tag on to a role that allows none.
#[rstest]
#[case::allowed_by_the_role(true)]
#[case::not_allowed_by_the_role(false)]
#[tokio::test(start_paused = true)]
async fn transitive_tags_are_found(#[case] allowed: bool) {
    let reports = check(move |call| match (call.operation.as_str(), allowed) {
        ("sts:AssumeRole", false) => Some(refused_by_sts(
            "User: arn:aws:sts::111111111111:assumed-role/pod/x is not authorized to perform: sts:TagSession on resource: y",
        )),
        ("sts:AssumeRole", true) => call.is_tagged().then(|| {
            sts_error(
                400,
                "InvalidParameterValue",
                "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling \
                 session.",
            )
        }),
        _ => None,
    })
    .await;
    assert_eq!(status(&reports, "process"), ReportStatus::Passed);
    assert_eq!(status(&reports, "storage role, inherited"), ReportStatus::Failed);
    let found = reports.iter().find(|report| report.subject == "storage role, inherited").unwrap();
    assert!(found.sentence.contains("EKS Pod Identity"), "{found:?}");
}

/// In one organization, STS names the policy of the caller.
#[tokio::test(start_paused = true)]
async fn sts_names_the_missing_permission_of_the_storage_role() {
    let reports = check(|call| {
        (call.operation == "sts:AssumeRole" && call.who != crate::recorded_aws::Who::Vendor).then(|| {
            refused_by_sts(
                "User: arn:aws:sts::111111111111:assumed-role/vendor/latchkey is not authorized to perform: sts:AssumeRole on resource: \
                 arn:aws:iam::123456789012:role/latchkey-check because no identity-based policy allows the sts:AssumeRole action",
            )
        })
    })
    .await;
    assert_eq!(status(&reports, "storage role"), ReportStatus::Passed, "{reports:#?}");
    assert_eq!(status(&reports, "customers' roles"), ReportStatus::Failed, "{reports:#?}");
}

#[rstest]
#[case::ahead(-120, ReportStatus::Warning)]
#[case::behind(400, ReportStatus::Failed)]
#[tokio::test(start_paused = true)]
async fn the_clock_is_compared_even_if_the_request_is_rejected(#[case] aws_ahead: i64, #[case] expected: ReportStatus) {
    let date = (clock().now() + chrono::TimeDelta::seconds(aws_ahead))
        .to_rfc2822()
        .replace("+0000", "GMT");
    let reports = check(move |call| {
        let skewed = sts_error(403, "SignatureDoesNotMatch", "Signature expired").with("date", date.clone());
        (call.operation == "sts:GetCallerIdentity").then_some(skewed)
    })
    .await;
    assert_eq!(status(&reports, "process"), ReportStatus::Failed);
    assert_eq!(status(&reports, "clock"), expected, "{reports:#?}");
    assert_eq!(status(&reports, "region me-south-1"), ReportStatus::Unknown, "{reports:#?}");
}

#[rstest]
#[case::not_enabled(
    sts_error(403, "InvalidClientTokenId", "The security token included in the request is invalid."),
    ReportStatus::Failed
)]
#[case::sts_is_off(
    sts_error(403, "RegionDisabledException", "STS is not activated in this region for account:111111111111."),
    ReportStatus::Failed
)]
#[case::busy(sts_error(503, "ServiceUnavailable", "Try again."), ReportStatus::Unanswered)]
#[tokio::test(start_paused = true)]
async fn a_region_fails_only_if_aws_says_so(#[case] reply: Reply, #[case] expected: ReportStatus) {
    let asked = std::sync::atomic::AtomicUsize::new(0);
    let reports = check(move |call| {
        let of_region = call.operation == "sts:GetCallerIdentity" && asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed) > 0;
        of_region.then(|| reply.clone())
    })
    .await;
    assert_eq!(status(&reports, "process"), ReportStatus::Passed);
    assert_eq!(status(&reports, "region me-south-1"), expected, "{reports:#?}");
}

/// Nothing is said to be right or wrong without an answer of AWS.
#[tokio::test(start_paused = true)]
async fn without_answers_nothing_is_known() {
    let reports = check(|_| Some(Reply::new(502, "<html>Bad Gateway</html>").without("x-amz-request-id"))).await;
    for report in &reports {
        assert!(
            matches!(report.status, ReportStatus::Unanswered | ReportStatus::Unknown),
            "{reports:#?}"
        );
    }
    assert!(reports.len() > 4, "{reports:#?}");
}
