//! Whether the vendor's roles are kept out of the vendor's own buckets. Their permissions cover every bucket whose policy lets
//! them in, so a bucket in their account is reachable unless its account is excluded.

use futures::future::join_all;

use super::{Found, ReportStatus, VendorReport, no_answer, report};
use crate::clock::SharedClock;
use crate::cloud::{AwsSession, BucketCall, SessionName, SetupCloud};
use crate::domain::api_result::{ApiResult, DeniedBy, Outcome};
use crate::domain::arn::BucketName;
use crate::domain::external_id::ExternalId;
use crate::domain::vendor::Vendor;

/// Asks with a session on each role: on the customer-facing one with a tag, as for a tenant.
pub(super) async fn check(cloud: &dyn SetupCloud, vendor: &Vendor, buckets: &[BucketName], clock: &SharedClock) -> Vec<VendorReport> {
    if buckets.is_empty() {
        return Vec::new();
    }
    let mut sessions = Vec::new();
    if let Some(role) = &vendor.storage_role {
        sessions.push(("storage role", cloud.storage_session(role).await));
    }
    if let Some(role) = &vendor.direct_role {
        let nobody = ExternalId::from_random(clock.random());
        let session = cloud.tagged_session(role, &nobody, &SessionName::shared(), None).await;
        sessions.push(("customer-facing role", session));
    }
    let asked = buckets
        .iter()
        .flat_map(|bucket| sessions.iter().map(move |session| (bucket, session)));
    join_all(asked.map(async |(bucket, (role, session))| {
        let found = match &session.outcome {
            Outcome::Granted(session) => ask(cloud, session, bucket).await,
            _ => (
                ReportStatus::Unknown,
                "It was not checked, because the role cannot be assumed.".into(),
            ),
        };
        report(format!("own bucket {bucket}, {role}"), found)
    }))
    .await
}

async fn ask(cloud: &dyn SetupCloud, session: &AwsSession, bucket: &BucketName) -> Found {
    let Some(region) = cloud.own_region() else {
        return (
            ReportStatus::Unknown,
            "It was not checked, because AWS_REGION is not a region.".into(),
        );
    };
    let mut call = BucketCall {
        session: Some(session.clone()),
        bucket: bucket.clone(),
        region,
        owner: None,
        pays: false,
    };
    let mut head = cloud.head_bucket(&call).await;
    // S3 names the bucket's region, also with a denial.
    if let Some(region) = head.exchange.bucket_region.take_if(|region| *region != call.region) {
        call.region = region;
        head = cloud.head_bucket(&call).await;
    }
    let list = cloud.list_objects(&call, "").await;
    read(&[head, list])
}

fn read(answers: &[ApiResult]) -> Found {
    if answers.iter().any(|answer| answer.granted().is_some()) {
        let sentence = "The role has access to it, as it would have for a customer who submitted the bucket's name. Apply the permissions of \
                        `latchkey vendor template` to the role, and remove the role from the bucket's policy.";
        return (ReportStatus::Failed, sentence.into());
    }
    if answers.iter().all(|answer| answer.is_refused_by(DeniedBy::S3)) {
        return (ReportStatus::Passed, "S3 denies the role access.".into());
    }
    match answers.iter().find(|answer| answer.refusal().is_none()) {
        Some(answer) if matches!(answer.outcome, Outcome::Absent) => (
            ReportStatus::Unknown,
            "It was not checked, because there is no bucket with this name.".into(),
        ),
        Some(answer) if answer.is_unanswered() => (ReportStatus::Unanswered, no_answer(answer).1),
        _ => (
            ReportStatus::Unknown,
            "S3's response does not tell whether the role has access.".into(),
        ),
    }
}
