//! A tenant whose active version has lost its isolation or its ownership is no longer served, after two looks.

use rstest::rstest;
use serde_json::{Value, json};

use super::credentials::Stage;
use crate::support::aws::Account;
use crate::support::server::{ApiResponse, checks};

/// What internal services get: credentials, the storage config, and the tenant's place in the feed.
async fn served(stage: &Stage) -> (ApiResponse, ApiResponse, Value) {
    stage.server.settle().await;
    let get = async |path: &str| {
        let url = format!("{}/internal/v1/{path}", stage.server.private);
        let request = stage.server.bare(reqwest::Method::GET, &url).bearer_auth(&stage.token);
        stage.server.send_now(request).await
    };
    let feed = get("changes").await.expect(200);
    let change = feed["items"].as_array().unwrap().iter().find(|change| change["slug"] == "acme");
    (
        get("tenants/acme/credentials").await,
        get("tenants/acme/storage-config").await,
        change.expect("acme is in the feed").clone(),
    )
}

async fn is_served(stage: &Stage) {
    let (credentials, config, change) = served(stage).await;
    credentials.expect(200);
    config.expect(200);
    assert_eq!(change["tombstone"], Value::Null);
}

/// Two looks find this check failing. The first one changes nothing yet.
async fn quarantines(stage: &Stage, check: &str) {
    is_served(stage).await;
    let first = stage.server.verify("acme").await;
    assert!(checks(&first, "failed").contains(&check.to_owned()), "{first:#}");
    assert_eq!(stage.server.status("acme").await, "active");
    is_served(stage).await;

    assert_eq!(stage.server.verify("acme").await["verdict"], "rejected");
    assert_eq!(stage.server.status("acme").await, "quarantined");
    let (credentials, config, change) = served(stage).await;
    for refused in [credentials, config] {
        assert_eq!((refused.status, &refused.body["type"]), (403, &json!("/problems/quarantined")));
    }
    assert_eq!((&change["tombstone"], &change["storage"]), (&json!("quarantined"), &Value::Null));
}

async fn is_released(stage: &Stage) {
    assert_eq!(stage.server.verify("acme").await["verdict"], "verified");
    assert_eq!(stage.server.status("acme").await, "active");
    is_served(stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_no_longer_requires_the_external_id() {
    let stage = Stage::new("assume_role").await;
    let issued = stage.ours.document("trust-policy");
    let mut open = issued.clone();
    open["Statement"][0].as_object_mut().unwrap().remove("Condition");
    stage.ours.apply(&stage.world.customer, "trust-policy", &open).await;
    quarantines(&stage, "role-requires-external-id").await;
    stage.ours.apply(&stage.world.customer, "trust-policy", &issued).await;
    is_released(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_no_longer_requires_the_external_id() {
    let stage = Stage::new("direct").await;
    let issued = stage.ours.document("bucket-policy");
    let mut open = issued.clone();
    open["Statement"]
        .as_array_mut()
        .unwrap()
        .push(json!({"Sid": "Others", "Effect": "Allow",
        "Principal": {"AWS": stage.world.direct_role}, "Action": "s3:GetObject",
        "Resource": format!("arn:aws:s3:::{}/*", stage.ours.bucket)}));
    stage.ours.apply(&stage.world.customer, "bucket-policy", &open).await;
    quarantines(&stage, "bucket-requires-external-id").await;
    stage.ours.apply(&stage.world.customer, "bucket-policy", &issued).await;
    is_released(&stage).await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_somebody_else_created_again(#[values("direct", "assume_role")] mode: &'static str) {
    let stage = Stage::new(mode).await;
    let bucket = &stage.ours.bucket;
    stage.world.customer.s3.delete_bucket().bucket(bucket).send().await.unwrap();
    let new_owner = Account::new(&stage.world.endpoint).await;
    new_owner.take_bucket_for_everybody(bucket).await;
    quarantines(&stage, "bucket-owner-matches").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_permission_that_is_missing_does_not_quarantine() {
    let stage = Stage::new("direct").await;
    let issued = stage.ours.document("bucket-policy").to_string();
    let without: Value = serde_json::from_str(&issued.replace("\"s3:GetObject\",", "")).unwrap();
    stage.ours.apply(&stage.world.customer, "bucket-policy", &without).await;
    for _ in 0..3 {
        assert_eq!(checks(&stage.server.verify("acme").await, "failed"), ["object-readable"]);
    }
    assert_ne!(stage.server.status("acme").await, "quarantined");
    is_served(&stage).await;
}
