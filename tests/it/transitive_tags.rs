//! `check-config --aws` finds session tags that the process passes on.

use std::sync::Arc;

use latchkey::cloud::aws::{AwsCloud, AwsOptions};
use latchkey::domain::arn::RoleArn;
use latchkey::domain::vendor::Vendor;
use latchkey::service::check_vendor::check_vendor;
use rstest::rstest;

use crate::recorded::{Wire, config};
use crate::recorded_aws::{RecordedAws, VENDOR_ROLE, sts_error};
use crate::support::clock::clock;

/// The answers of AWS to a caller that sets an inherited tag, and to one that passes a tag on to a role that allows none.
#[rstest]
#[case::allowed_by_the_role(true)]
#[case::not_allowed_by_the_role(false)]
#[tokio::test(start_paused = true)]
async fn transitive_tags_are_found(#[case] allowed: bool) {
    let aws = RecordedAws::but(move |call| {
        match (call.operation.as_str(), allowed) {
        ("sts:GetCallerIdentity", _) => None,
        (_, false) => Some(sts_error(
            403,
            "AccessDenied",
            "User: arn:aws:sts::111111111111:assumed-role/pod/x is not authorized to perform: sts:TagSession on resource: y",
        )),
        (_, true) => call.is_tagged().then(|| {
            sts_error(
                400,
                "InvalidParameterValue",
                "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.",
            )
        }),
    }
    });
    let wire = Wire::of(Arc::new(aws));
    let aws = AwsCloud::from_config(&config(wire).await, AwsOptions { s3_path_style: true }, clock());
    let vendor = Vendor {
        storage_role: Some(RoleArn::parse(VENDOR_ROLE).unwrap()),
        ..Vendor::unnamed()
    };
    let looks = check_vendor(&aws, &vendor, &clock()).await;
    assert!(looks[0].result.is_ok(), "{looks:?}");
    let fault = looks[1].result.as_ref().unwrap_err();
    assert!(fault.sentence.contains("EKS Pod Identity") && !fault.inconclusive, "{fault:?}");
}
