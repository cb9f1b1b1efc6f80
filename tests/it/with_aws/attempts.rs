//! Attempts: denials that may be propagation are retried, visibly. The clock is the test's, so that minutes take
//! no time; the test takes the queue's part.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use latchkey::clock::Clock;
use latchkey::cloud::aws::{AwsCloud, AwsOptions};
use latchkey::domain::ids::VerificationId;
use latchkey::domain::retry::RetryPolicy;
use latchkey::service::Context;
use latchkey::service::run_verification::run_verification;
use latchkey::store::jobs::JobOrigin;
use serde_json::{Value, json};

use crate::support::aws::{Applied, World, apply_templates, sdk_config};
use crate::support::clock::{ForwardClock, clock};
use crate::support::server::{TestServer, checks};

/// What is done to a document before it is applied.
type Change = fn(&mut Value);

/// A submission whose attempts the test runs itself.
struct Stage {
    world: World,
    server: TestServer,
    applied: Applied,
    clock: Arc<ForwardClock>,
    context: Context,
    aws: AwsCloud,
    id: String,
}

impl Stage {
    /// Submits after the documents were applied and `spoil` was done.
    async fn set(mode: &'static str, spoil: &[(&str, Change)]) -> Self {
        let world = World::new().await;
        let server = TestServer::builder().aws(&world).without_worker().start().await;
        server.create_tenant("acme").await;
        let applied = apply_templates(&world, &server, "acme", mode).await;
        for (name, change) in spoil {
            let mut document = applied.document(name);
            change(&mut document);
            applied.apply(&world.customer, name, &document).await;
        }
        let submitted = server
            .post("/v1/tenants/acme/storage-configs", &applied.submission())
            .await
            .expect(202);
        let hand = Arc::new(ForwardClock::default());
        let context = Context {
            clock: hand.clone(),
            retry_policy: RetryPolicy {
                window: Duration::from_secs(90),
                retry_inconclusive: true,
            },
            ..server.context.clone()
        };
        let aws = AwsCloud::from_config(
            &sdk_config(&world.endpoint, &world.latchkey).await,
            AwsOptions { s3_path_style: true },
            clock(),
        );
        Self {
            id: submitted["verification"]["id"].as_str().unwrap().to_owned(),
            world,
            server,
            applied,
            clock: hand,
            context,
            aws,
        }
    }

    /// Makes one attempt, and returns the verification.
    async fn attempt(&self) -> Value {
        run_verification(
            &self.context,
            &self.aws,
            VerificationId::parse(&self.id).unwrap(),
            &JobOrigin::default(),
        )
        .await
        .unwrap();
        self.server.get(&format!("/v1/verifications/{}", self.id)).await.expect(200)
    }

    /// Requests another verification, whose attempts come next.
    async fn verify_again(&mut self) {
        let requested = self.server.post("/v1/tenants/acme/verifications", &json!({})).await.expect(202);
        requested["id"].as_str().unwrap().clone_into(&mut self.id);
    }

    /// Advances the clock to the next attempt, and returns the seconds in between.
    fn wait(&self, verification: &Value) -> i64 {
        let until: DateTime<Utc> = verification["next_attempt_at"]
            .as_str()
            .expect("another attempt follows")
            .parse()
            .unwrap();
        let gap = until - self.clock.now();
        self.clock.forward(gap.to_std().unwrap());
        (gap.num_milliseconds() + 999) / 1000
    }
}

fn drop_get(document: &mut Value) {
    for statement in document["Statement"].as_array_mut().unwrap() {
        if let Some(actions) = statement["Action"].as_array_mut() {
            actions.retain(|action| action != "s3:GetObject");
        }
    }
}

fn drop_delete(document: &mut Value) {
    for statement in document["Statement"].as_array_mut().unwrap() {
        if let Some(actions) = statement["Action"].as_array_mut() {
            actions.retain(|action| action != "s3:DeleteObject");
        }
    }
}

fn drop_condition(document: &mut Value) {
    document["Statement"][0].as_object_mut().unwrap().remove("Condition");
}

#[tokio::test]
async fn a_grant_that_propagates_within_the_window_is_verified() {
    let stage = Stage::set("direct", &[("bucket-policy", drop_get)]).await;
    let first = stage.attempt().await;
    assert_eq!(
        (&first["state"], &first["verdict"], &first["attempt"]),
        (&json!("running"), &Value::Null, &json!(1))
    );
    assert_eq!(
        checks(&first, "failed"),
        ["object-readable"],
        "present findings are shown while it waits"
    );
    assert_eq!(stage.server.status("acme").await, "verifying");
    assert_eq!(stage.wait(&first), 5);
    let second = stage.attempt().await;
    assert_eq!(stage.wait(&second), 10);

    stage
        .applied
        .apply(&stage.world.customer, "bucket-policy", &stage.applied.document("bucket-policy"))
        .await;
    let third = stage.attempt().await;
    assert_eq!((&third["verdict"], &third["attempt"]), (&json!("verified"), &json!(3)), "{third:#}");
    assert_eq!(third["next_attempt_at"], Value::Null);
    assert_eq!(stage.server.status("acme").await, "active");

    let stream = stage
        .server
        .request(reqwest::Method::GET, &format!("/v1/verifications/{}/events", stage.id));
    let text = stream.send().await.unwrap().text().await.unwrap();
    let attempts: Vec<&str> = text.split("\n\n").filter(|event| event.contains("event: attempt")).collect();
    assert_eq!(attempts.len(), 5, "three begin, and two end in waiting: {text}");
    assert_eq!(
        attempts.iter().filter(|event| !event.contains("\"next_attempt_at\":null")).count(),
        2
    );
}

#[tokio::test]
async fn a_denial_that_stays_is_rejected_after_the_window() {
    let stage = Stage::set("direct", &[("bucket-policy", drop_get)]).await;
    let mut gaps = Vec::new();
    let rejected = loop {
        let verification = stage.attempt().await;
        if verification["state"] == "finished" {
            break verification;
        }
        gaps.push(stage.wait(&verification));
    };
    assert_eq!(gaps, [5, 10, 20, 30]);
    assert_eq!((&rejected["verdict"], &rejected["attempt"]), (&json!("rejected"), &json!(5)));
    assert_eq!(stage.attempt().await["attempt"], 5, "a job that comes again changes nothing");
    assert_eq!(stage.world.customer.contents(&stage.applied.bucket).await.0, Vec::<String>::new());
}

/// The key of an object that could not be deleted is used again.
#[tokio::test]
async fn one_object_is_left_at_most_where_nothing_can_be_deleted() {
    let mut stage = Stage::set("direct", &[("bucket-policy", drop_delete)]).await;
    stage.context.retry_policy.window = Duration::from_secs(20);
    for _ in 0..2 {
        for attempt in 1..=3 {
            let verification = stage.attempt().await;
            assert_eq!(checks(&verification, "failed"), ["object-deletable"], "{verification:#}");
            let (objects, _) = stage.world.customer.contents(&stage.applied.bucket).await;
            assert_eq!(objects.len(), 1, "{objects:?}");
            if attempt == 3 {
                assert_eq!(
                    (&verification["state"], &verification["leftovers"]),
                    (&json!("finished"), &json!(objects))
                );
            } else {
                stage.wait(&verification);
            }
        }
        stage.verify_again().await;
    }
    let policy = stage.applied.document("bucket-policy");
    stage.applied.apply(&stage.world.customer, "bucket-policy", &policy).await;
    let verified = stage.attempt().await;
    assert_eq!((&verified["verdict"], &verified["leftovers"]), (&json!("verified"), &json!([])));
    assert_eq!(stage.world.customer.contents(&stage.applied.bucket).await, (Vec::new(), 0));
}

/// What was left is deleted even by a run that writes nothing.
#[tokio::test]
async fn an_object_that_was_left_is_deleted_without_another_write() {
    let mut stage = Stage::set("direct", &[("bucket-policy", drop_delete)]).await;
    stage.context.retry_policy = RetryPolicy::NONE;
    stage.attempt().await;
    let mut policy = stage.applied.document("bucket-policy");
    for statement in policy["Statement"].as_array_mut().unwrap() {
        if let Some(actions) = statement["Action"].as_array_mut() {
            actions.retain(|action| action != "s3:PutObject");
        }
    }
    stage.applied.apply(&stage.world.customer, "bucket-policy", &policy).await;
    stage.verify_again().await;
    let rejected = stage.attempt().await;
    assert_eq!(checks(&rejected, "failed"), ["object-writable"], "{rejected:#}");
    assert_eq!(rejected["leftovers"], json!([]));
    assert_eq!(stage.world.customer.contents(&stage.applied.bucket).await.0, [""; 0]);
}

#[tokio::test]
async fn an_open_role_is_retried_once_before_it_counts() {
    let stage = Stage::set("assume_role", &[("trust-policy", drop_condition)]).await;
    let first = stage.attempt().await;
    assert_eq!(stage.wait(&first), 5);
    let second = stage.attempt().await;
    assert_eq!((&second["verdict"], &second["attempt"]), (&json!("rejected"), &json!(2)));
    assert_eq!(
        stage.world.customer.contents(&stage.applied.bucket).await.1,
        0,
        "nothing was ever written"
    );
}

#[tokio::test]
async fn what_propagation_cannot_explain_is_rejected_at_once() {
    let stage = Stage::set("assume_role", &[]).await;
    stage
        .world
        .customer
        .kms
        .disable_key()
        .key_id(&stage.applied.key)
        .send()
        .await
        .unwrap();
    let only = stage.attempt().await;
    assert_eq!((&only["verdict"], &only["attempt"]), (&json!("rejected"), &json!(1)));
    assert_eq!(checks(&only, "failed"), ["key-suitable"]);
}

#[tokio::test]
async fn an_inconclusive_run_is_retried_with_growing_gaps() {
    let stage = Stage::set("assume_role", &[]).await;
    let nobody = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": format!("arn:aws:iam::{}:root", stage.world.customer.id)},
    }]});
    stage.world.vendor.put_trust("storage", &nobody).await;
    let mut gaps = Vec::new();
    let ended = loop {
        let verification = stage.attempt().await;
        if verification["state"] == "finished" {
            break verification;
        }
        gaps.push(stage.wait(&verification));
    };
    assert_eq!(gaps, [10, 30, 60, 120, 300]);
    assert_eq!(ended["verdict"], "inconclusive");
}

#[tokio::test]
async fn a_newer_submission_supersedes_a_waiting_run() {
    let stage = Stage::set("direct", &[("bucket-policy", drop_get)]).await;
    let first = stage.attempt().await;
    assert!(first["next_attempt_at"].is_string());
    let submitted = stage
        .server
        .post("/v1/tenants/acme/storage-configs", &stage.applied.submission())
        .await
        .expect(202);
    assert_eq!(submitted["version"], 2);
    let ended = stage.attempt().await;
    assert_eq!((&ended["verdict"], &ended["next_attempt_at"]), (&json!("superseded"), &Value::Null));
}
