//! Two replicas share the quota of STS: neither many tenants at once nor many replicas make AWS throttle their calls.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use latchkey::domain::arn::KeyArn;
use latchkey::domain::external_id::ExternalId;
use latchkey::domain::reverification::budget::{CallRates, Calls};
use serde_json::json;

use crate::support::clock::clock;
use crate::support::granting_cloud::GrantingCloud;
use crate::support::server::TestServer;

const KEY: &str = "arn:aws:kms:us-east-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab";
/// Calls to STS per second that AWS answers.
const QUOTA: u32 = 60;
/// How precisely it is known for how long the machine stopped the replicas.
const TICK: Duration = Duration::from_millis(10);

#[tokio::test]
async fn calls_of_two_replicas_are_not_throttled() {
    few_calls_are_throttled(30).await;
}

#[tokio::test]
#[ignore = "takes minutes"]
async fn soak_calls_of_two_replicas_are_not_throttled() {
    few_calls_are_throttled(400).await;
}

/// Less than 5 %. What a replica could not do while the machine stopped it, it does at once afterwards; that is no fault.
async fn few_calls_are_throttled(tenants: u32) {
    let cloud = GrantingCloud::new(ExternalId::from_random([7; 20]), KeyArn::parse(KEY).expect("the ARN of a key")).sts_quota(QUOTA);
    let cloud = Arc::new(cloud);
    let rates = CallRates(Calls {
        sts: QUOTA,
        kms: 100_000,
        s3: 100_000,
    });
    let server = TestServer::start().await;
    let submitted = futures::stream::iter(0..tenants).map(async |number| {
        let slug = format!("tenant-{number}");
        server.create_tenant(&slug).await;
        let submission = json!({
            "mode": "direct", "bucket_arn": format!("arn:aws:s3:::{slug}"), "bucket_region": "us-east-1", "key_arn": KEY,
            "bucket_account_id": "222222222222",
        });
        let path = format!("/v1/tenants/{slug}/storage-configs");
        server.post(&path, &submission).await.expect(202)["verification"]["id"].clone()
    });
    let ids: Vec<_> = submitted.buffer_unordered(8).collect().await;

    let worker = || server.replica().cloud(cloud.clone()).rates(rates).worker().start();
    let _workers = (worker().await, worker().await);
    let mut stopped = Duration::ZERO;
    let finished = async {
        for id in &ids {
            server.finished(id).await;
        }
    };
    let watching = async {
        let mut ticks = tokio::time::interval(TICK);
        loop {
            let last = clock().instant();
            ticks.tick().await;
            stopped = stopped.max(clock().instant().saturating_duration_since(last).saturating_sub(TICK));
        }
    };
    tokio::select! {
        () = finished => {}
        () = watching => {}
    }
    let calls = cloud.sts_calls();
    let all = calls.answered + calls.throttled;
    assert!(all > 2 * QUOTA, "more than the quota answers at once: {calls:?}");
    println!("{tenants} tenants: {calls:?}, stopped for {stopped:?}");
    let allowed = f64::from(all) * 0.05 + stopped.as_secs_f64() * f64::from(QUOTA);
    assert!(f64::from(calls.throttled) < allowed, "{calls:?}, stopped for {stopped:?}");
}
