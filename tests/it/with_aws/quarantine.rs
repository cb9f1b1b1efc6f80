//! A tenant whose active version has lost its isolation or its ownership is no longer served, after two looks.

use latchkey::domain::token::Role;
use rstest::rstest;
use serde_json::{Value, json};

use super::credentials::Stage;
use crate::dashboard::Person;
use crate::support::aws::Account;
use crate::support::cli::{latchkey, text};
use crate::support::server::{ApiResponse, checks};
use crate::webhooks::Hook;

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

async fn public_statement(stage: &Stage) -> Value {
    stage
        .world
        .customer
        .s3
        .delete_public_access_block()
        .bucket(&stage.ours.bucket)
        .send()
        .await
        .unwrap();
    let mut open = stage.ours.document("bucket-policy");
    open["Statement"].as_array_mut().unwrap().push(
        json!({"Sid": "Others", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
        "Resource": format!("arn:aws:s3:::{}/*", stage.ours.bucket)}),
    );
    open
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_became_public() {
    let stage = Stage::new("direct").await;
    let issued = stage.ours.document("bucket-policy");
    let open = public_statement(&stage).await;
    stage.ours.apply(&stage.world.customer, "bucket-policy", &open).await;
    quarantines(&stage, "bucket-not-public").await;
    stage.ours.apply(&stage.world.customer, "bucket-policy", &issued).await;
    is_released(&stage).await;
}

/// Without a probe object, only a put shows that the bucket is open.
#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_became_public_and_denies_the_vendors_puts() {
    let stage = Stage::new("direct").await;
    let issued = stage.ours.document("bucket-policy");
    let mut open = public_statement(&stage).await;
    let statements = open["Statement"].as_array_mut().unwrap();
    let public = statements.last_mut().unwrap();
    public["Action"] = json!("s3:PutObject");
    let mut denied = public.clone();
    denied["Sid"] = json!("Ours");
    denied["Effect"] = json!("Deny");
    denied["Principal"] = json!({"AWS": stage.world.direct_role});
    statements.push(denied);
    stage.ours.apply(&stage.world.customer, "bucket-policy", &open).await;
    quarantines(&stage, "bucket-not-public").await;
    stage.ours.apply(&stage.world.customer, "bucket-policy", &issued).await;
    is_released(&stage).await;
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_encrypts_with_the_key_of_another_account(#[values("direct", "assume_role")] mode: &'static str) {
    let stage = Stage::new(mode).await;
    let foreign = Account::new(&stage.world.endpoint).await;
    let key = foreign.create_key().await;
    let everybody = json!({"Sid": "Everybody", "Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "kms:*", "Resource": "*"});
    foreign.add_to_key(&key, &everybody).await;
    let everything = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:*", "kms:*"], "Resource": "*"}]});
    if mode == "assume_role" {
        stage.world.customer.put_permissions(&stage.ours.role_name, &everything).await;
    }
    encrypt_with(&stage, &key).await;
    quarantines(&stage, "encrypted-with-key").await;
}

/// Documents that are encrypted with another key of the customer's own account stay the customer's.
#[tokio::test(flavor = "multi_thread")]
async fn another_key_of_the_same_account_does_not_quarantine() {
    let stage = Stage::new("direct").await;
    let key = stage.world.customer.create_key().await;
    let everybody = json!({"Sid": "Everybody", "Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "kms:*", "Resource": "*"});
    stage.world.customer.add_to_key(&key, &everybody).await;
    encrypt_with(&stage, &key).await;
    for _ in 0..3 {
        assert_eq!(checks(&stage.server.verify("acme").await, "failed"), ["encrypted-with-key"]);
    }
    assert_ne!(stage.server.status("acme").await, "quarantined");
    is_served(&stage).await;
}

async fn encrypt_with(stage: &Stage, key: &str) {
    let mut encryption = stage.ours.document("bucket-encryption").to_string();
    encryption = encryption.replace(&stage.ours.key, key);
    let encryption: Value = serde_json::from_str(&encryption).unwrap();
    stage.ours.apply(&stage.world.customer, "bucket-encryption", &encryption).await;
}

/// A look without a result is neither a second breach nor the end of the first.
#[tokio::test(flavor = "multi_thread")]
async fn a_look_without_a_result_changes_nothing() {
    let stage = Stage::new("direct").await;
    let open = public_statement(&stage).await;
    stage.ours.apply(&stage.world.customer, "bucket-policy", &open).await;
    assert_eq!(stage.server.verify("acme").await["verdict"], "rejected");

    let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"AWS": format!("arn:aws:iam::{}:root", stage.world.customer.id)}}]});
    let name = stage.world.direct_role.rsplit('/').next().unwrap();
    let before = stage.world.vendor.iam.get_role().role_name(name).send().await.unwrap();
    let before = before.role.and_then(|role| role.assume_role_policy_document).unwrap();
    let before = percent_encoding::percent_decode_str(&before).decode_utf8().unwrap().into_owned();
    stage.world.vendor.put_trust(name, &trust).await;
    assert_eq!(stage.server.verify("acme").await["verdict"], "inconclusive");
    assert_eq!(stage.server.status("acme").await, "active");

    stage.world.vendor.put_trust(name, &serde_json::from_str(&before).unwrap()).await;
    assert_eq!(stage.server.verify("acme").await["verdict"], "rejected");
    assert_eq!(stage.server.status("acme").await, "quarantined");
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_get_the_quarantine() {
    let stage = Stage::new("direct").await;
    let hook = Hook::create(&stage.server, "http://127.0.0.1:9/").await;
    let open = public_statement(&stage).await;
    stage.ours.apply(&stage.world.customer, "bucket-policy", &open).await;
    quarantines(&stage, "bucket-not-public").await;
    let log = hook.log(&stage.server).await;
    let changed = log
        .iter()
        .find(|sent| sent["type"] == "tenant.status_changed")
        .expect("a message is queued");
    let path = hook.path(&format!("/deliveries/{}", changed["id"].as_str().unwrap()));
    let payload = stage.server.get(&path).await.expect(200)["payload"].to_string();
    assert!(payload.contains("quarantined"), "{payload}");
}

/// With a failed check that is no breach, and a third look at it.
#[tokio::test(flavor = "multi_thread")]
async fn the_tenant_says_since_when_and_which_checks_found_it() {
    let stage = Stage::new("direct").await;
    let tenant = async || stage.server.get("/v1/tenants/acme").await.expect(200);
    let issued = stage.ours.document("bucket-encryption");
    let key = stage.world.customer.create_key().await;
    let everybody = json!({"Sid": "Everybody", "Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "kms:*", "Resource": "*"});
    stage.world.customer.add_to_key(&key, &everybody).await;
    encrypt_with(&stage, &key).await;
    assert_eq!(stage.server.verify("acme").await["verdict"], "rejected");
    let policy = stage.ours.document("bucket-policy");
    let open = public_statement(&stage).await;
    stage.ours.apply(&stage.world.customer, "bucket-policy", &open).await;
    assert_eq!(stage.server.verify("acme").await["verdict"], "rejected");
    assert_eq!(tenant().await["quarantine"], Value::Null, "after one breach");
    let second = stage.server.verify("acme").await;
    let expected = json!({"since": second["finished_at"], "checks": ["bucket-not-public"]});
    assert_eq!(tenant().await["quarantine"], expected);

    stage.ours.apply(&stage.world.customer, "bucket-policy", &policy).await;
    assert_eq!(checks(&stage.server.verify("acme").await, "failed"), ["encrypted-with-key"]);
    let suspend = json!({"reason": "A test"});
    stage.server.post("/v1/tenants/acme/suspend", &suspend).await.expect(200);
    let shown = tenant().await;
    assert_eq!((&shown["status"], &shown["quarantine"]), (&json!("suspended"), &expected));
    stage.server.post("/v1/tenants/acme/resume", &suspend).await.expect(200);

    let env = [
        ("LATCHKEY_URL", stage.server.private.as_str()),
        ("LATCHKEY_TOKEN", &stage.server.token),
    ];
    let printed = text(&latchkey(&["tenant", "show", "acme"], &env).stdout);
    for row in [("quarantined since", "since"), ("quarantined by", "checks")] {
        let value = expected[row.1].as_str().unwrap_or("bucket-not-public");
        assert!(
            printed.lines().any(|line| line.contains(row.0) && line.contains(value)),
            "{row:?}: {printed}"
        );
    }
    let page = Person::of(&stage.server, Role::Viewer).await.get("/tenants/acme").await.html;
    let notice = page.split_once("The active version is in quarantine").expect("there is a notice").1;
    let notice = notice.split_once("</section>").unwrap().0;
    assert!(
        notice.contains("<code>bucket-not-public</code>") && !notice.contains("encrypted-with-key"),
        "{notice}"
    );

    stage.ours.apply(&stage.world.customer, "bucket-encryption", &issued).await;
    is_released(&stage).await;
    assert_eq!(tenant().await["quarantine"], Value::Null);
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
