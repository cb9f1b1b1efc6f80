//! The bucket and the key themselves, in both modes.

use aws_sdk_kms::types::{KeySpec, KeyState, KeyUsageType};
use rstest::rstest;
use serde_json::json;

use super::Repair::{ByHand, Fixes};
use super::{Setup, has_sid, statements};
use crate::support::server::check;

type Mode = &'static str;

#[rstest]
#[tokio::test]
async fn bucket_missing(#[values("assume_role", "direct")] mode: Mode) {
    let setup = Setup::new(mode).await;
    let delete = setup.world.customer.s3.delete_bucket().bucket(&setup.applied.bucket);
    delete.send().await.unwrap();
    setup.fails(&["bucket-reachable"], "form", ByHand).await;
}

#[rstest]
#[tokio::test]
async fn bucket_of_another_account(#[values("assume_role", "direct")] mode: Mode) {
    let mut setup = Setup::new(mode).await;
    setup.applied.account = Some("999999999999".into());
    setup.fails(&["bucket-owner-matches"], "form", ByHand).await;
}

#[rstest]
#[tokio::test]
async fn bucket_in_another_region(#[values("assume_role", "direct")] mode: Mode) {
    let mut setup = Setup::new(mode).await;
    setup.applied.bucket = setup.world.customer.create_bucket_in("us-west-2").await;
    setup.fails(&["bucket-region-matches"], "form", ByHand).await;
}

/// The key is in the wrong region too, so its policy does not matter.
#[rstest]
#[tokio::test]
async fn bucket_in_another_region_than_a_key_that_denies(#[values("assume_role", "direct")] mode: Mode) {
    let mut setup = Setup::new(mode).await;
    setup.applied.bucket = setup.world.customer.create_bucket_in("us-west-2").await;
    setup.world.customer.remove_from_key(&setup.applied.key, "LatchkeyKey").await;
    setup.fails(&["bucket-region-matches"], "form", ByHand).await;
}

#[rstest]
#[tokio::test]
async fn bucket_without_default_encryption(#[values("assume_role", "direct")] mode: Mode) {
    let setup = Setup::new(mode).await;
    let delete = setup.world.customer.s3.delete_bucket_encryption().bucket(&setup.applied.bucket);
    delete.send().await.unwrap();
    setup.fails(&["encrypted-with-key"], "bucket-encryption", Fixes).await;
}

#[rstest]
#[tokio::test]
async fn bucket_with_another_default_key(#[values("assume_role", "direct")] mode: Mode) {
    let setup = Setup::new(mode).await;
    let other = setup.world.customer.create_key().await;
    setup.replace("bucket-encryption", &setup.applied.key, &other).await;
    setup.fails(&["encrypted-with-key"], "bucket-encryption", Fixes).await;
}

#[rstest]
#[tokio::test]
async fn bucket_with_versioning(#[values("assume_role", "direct")] mode: Mode) {
    let setup = Setup::new(mode).await;
    setup.world.customer.keep_versions(&setup.applied.bucket).await;
    setup.fails(&["versioning-disabled"], "bucket-versioning", Fixes).await;
}

/// S3 says in the answer to a get that a rule covers the object.
#[rstest]
#[tokio::test]
async fn bucket_with_replication(#[values("assume_role", "direct")] mode: Mode) {
    let setup = Setup::new(mode).await;
    setup.world.customer.keep_versions(&setup.applied.bucket).await;
    setup.world.customer.replicate(&setup.applied.bucket, &setup.applied.key).await;
    let verification = setup.fails(&["versioning-disabled"], "bucket-versioning", ByHand).await;
    let found = check(&verification, "versioning-disabled");
    assert!(
        found["summary"].as_str().unwrap().contains("replication configuration"),
        "{found:#}"
    );
    assert!(
        found["fix"]["summary"].as_str().unwrap().starts_with("Use another bucket"),
        "{found:#}"
    );
    let kept = setup.world.customer.try_suspend_versions(&setup.applied.bucket).await;
    assert_eq!(kept, Err("InvalidBucketState".to_owned()));
}

/// What the documents grant does not reveal a retention: more permissions do.
#[rstest]
#[case::as_issued(None, "The bucket keeps old versions of objects.")]
#[case::reads_retention(Some("s3:GetObjectRetention"), "Object Lock is enabled on the bucket")]
#[case::deletes_versions(Some("s3:DeleteObjectVersion"), "Object Lock is enabled on the bucket")]
#[tokio::test]
async fn bucket_with_object_lock(#[case] granted: Option<&str>, #[case] summary: &str) {
    let setup = Setup::new("assume_role").await;
    setup.world.customer.retain_objects(&setup.applied.bucket).await;
    grant(&setup, granted).await;
    let verification = setup.fails(&["versioning-disabled"], "bucket-versioning", ByHand).await;
    let found = check(&verification, "versioning-disabled");
    assert!(found["summary"].as_str().unwrap().starts_with(summary), "{found:#}");
    let kept = setup.world.customer.try_suspend_versions(&setup.applied.bucket).await;
    assert_eq!(kept, Err("InvalidBucketState".to_owned()));
}

#[rstest]
#[case::as_issued(None, "The bucket keeps old versions of objects.")]
#[case::deletes_versions(Some("s3:DeleteObjectVersion"), "MFA delete is enabled on the bucket")]
#[tokio::test]
async fn bucket_with_mfa_delete(#[case] granted: Option<&str>, #[case] summary: &str) {
    let setup = Setup::new("assume_role").await;
    setup.world.customer.require_mfa_to_delete(&setup.applied.bucket).await;
    grant(&setup, granted).await;
    let verification = setup.fails(&["versioning-disabled"], "bucket-versioning", ByHand).await;
    let found = check(&verification, "versioning-disabled");
    assert!(found["summary"].as_str().unwrap().starts_with(summary), "{found:#}");
    let kept = setup.world.customer.try_suspend_versions(&setup.applied.bucket).await;
    assert_eq!(kept, Err("AccessDenied".to_owned()));
}

/// The version of the probe object is deleted where that is allowed.
#[tokio::test]
async fn bucket_whose_versions_can_be_deleted() {
    let setup = Setup::new("assume_role").await;
    setup.world.customer.keep_versions(&setup.applied.bucket).await;
    grant(&setup, Some("s3:DeleteObjectVersion")).await;
    setup.fails(&["versioning-disabled"], "bucket-versioning", Fixes).await;
    let (_, left) = setup.world.customer.contents(&setup.applied.bucket).await;
    assert_eq!(left, 2, "the delete markers of both runs remain, and no version");
}

/// Adds an action to what the role's permissions allow on objects.
async fn grant(setup: &Setup, action: Option<&str>) {
    let Some(action) = action else { return };
    let add = |policy: &mut serde_json::Value| {
        let objects = statements(policy)
            .iter_mut()
            .find(|statement| has_sid(statement, "LatchkeyObjects"));
        let actions = objects.unwrap()["Action"].as_array_mut().unwrap();
        actions.push(json!(action));
    };
    setup.change("role-permissions", add).await;
}

#[rstest]
#[tokio::test]
async fn put_without_encryption_headers_denied(#[values("assume_role", "direct")] mode: Mode) {
    let setup = Setup::new(mode).await;
    let deny = json!({"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": format!("{}/*", setup.bucket_arn()),
        "Condition": {"StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}}});
    setup.change("bucket-policy", |policy| statements(policy).push(deny)).await;
    setup.fails(&["object-writable"], "bucket-policy", ByHand).await;
}

#[rstest]
#[tokio::test]
async fn bucket_denied_to_the_vendor(#[values("assume_role", "direct")] mode: Mode) {
    let setup = Setup::new(mode).await;
    let bucket = setup.bucket_arn();
    let deny = json!({"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": [bucket, format!("{bucket}/*")],
        "Condition": {"ArnEquals": {"aws:PrincipalArn": setup.principal()}}});
    setup.change("bucket-policy", |policy| statements(policy).push(deny)).await;
    setup.fails(&["bucket-listable"], "bucket-policy", ByHand).await;
}

#[rstest]
#[tokio::test]
async fn key_denied_to_the_vendor(#[values("assume_role", "direct")] mode: Mode) {
    let setup = Setup::new(mode).await;
    let deny = json!({"Sid": "Keep out", "Effect": "Deny", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*",
        "Condition": {"ArnEquals": {"aws:PrincipalArn": setup.principal()}}});
    setup.world.customer.add_to_key(&setup.applied.key, &deny).await;
    setup.fails(&["key-decrypt-allowed"], "key-policy", ByHand).await;
}

#[rstest]
#[tokio::test]
async fn key_disabled(#[values("assume_role", "direct")] mode: Mode) {
    let setup = Setup::new(mode).await;
    let disable = setup.world.customer.kms.disable_key().key_id(&setup.applied.key);
    disable.send().await.unwrap();
    setup.fails(&["key-suitable"], "key-settings", ByHand).await;
}

#[rstest]
#[tokio::test]
async fn key_pending_deletion(#[values("assume_role", "direct")] mode: Mode) {
    let setup = Setup::new(mode).await;
    let (kms, key) = (&setup.world.customer.kms, &setup.applied.key);
    let schedule = kms.schedule_key_deletion().key_id(key).pending_window_in_days(7);
    schedule.send().await.unwrap();
    let described = kms.describe_key().key_id(key).send().await.unwrap().key_metadata.unwrap();
    assert_eq!(described.key_state, Some(KeyState::PendingDeletion));
    setup.fails(&["key-suitable"], "key-settings", ByHand).await;
}

#[rstest]
#[case::assume_role("assume_role", "role-permissions")]
#[case::direct("direct", "key-policy")]
#[tokio::test]
async fn key_usable_through_s3_alone(#[case] mode: Mode, #[case] fix: &str) {
    let setup = Setup::new(mode).await;
    let through_s3 = json!("s3.eu-central-1.amazonaws.com");
    let restrict = |statement: &mut serde_json::Value| statement["Condition"]["StringEquals"]["kms:ViaService"] = through_s3;
    setup.change("key-policy", restrict).await;
    if mode == "assume_role" {
        let remove = |policy: &mut serde_json::Value| statements(policy).retain(|statement| !has_sid(statement, "LatchkeyKey"));
        setup.change("role-permissions", remove).await;
    }
    setup.fails(&["key-describable"], fix, Fixes).await;
}

#[rstest]
#[case::assume_role("assume_role", &["key-describable"], "form")]
#[case::direct("direct", &["key-describable", "encrypted-with-key"], "key-policy")]
#[tokio::test]
async fn key_missing(#[case] mode: Mode, #[case] fails: &[&str], #[case] fix: &str) {
    let mut setup = Setup::new(mode).await;
    let (account, _) = setup.applied.key.split_once(":key/").unwrap();
    setup.applied.key = format!("{account}:key/00000000-0000-4000-8000-000000000000");
    setup.fails(fails, fix, ByHand).await;
}

#[rstest]
#[tokio::test]
async fn key_that_does_not_encrypt(#[values("assume_role", "direct")] mode: Mode) {
    let mut setup = Setup::new(mode).await;
    let kms = &setup.world.customer.kms;
    let create = kms
        .create_key()
        .key_spec(KeySpec::Hmac256)
        .key_usage(KeyUsageType::GenerateVerifyMac);
    let key = create.send().await.unwrap().key_metadata.and_then(|key| key.arn).unwrap();
    let old = std::mem::replace(&mut setup.applied.key, key.clone());
    for document in ["key-policy", "role-permissions", "bucket-encryption"] {
        if setup.applied.documents.contains_key(document) {
            setup.replace(document, &old, &key).await;
        }
    }
    setup.fails(&["key-suitable"], "key-settings", ByHand).await;
}
