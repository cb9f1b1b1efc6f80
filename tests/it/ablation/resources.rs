//! Bucket and key themselves.

use aws_sdk_kms::types::KeyState;
use aws_sdk_kms::types::{KeySpec, KeyUsageType};
use serde_json::{Value, json};

use super::{Row, only, row};
use crate::aws::{Applied, World};

pub fn rows(mode: &'static str) -> Vec<Row> {
    vec![
        row(
            mode,
            "bucket missing",
            |world, applied, _| {
                Box::pin(async {
                    world.customer.s3.delete_bucket().bucket(&applied.bucket).send().await.unwrap();
                })
            },
            "",
            only("bucket-reachable"),
            Some("form"),
        ),
        row(
            mode,
            "bucket of another owner",
            |_, applied, _| Box::pin(async { applied.account = Some("999999999999".into()) }),
            "",
            only("bucket-owner-matches"),
            Some("form"),
        ),
        row(
            mode,
            "bucket without KMS by default",
            |world, applied, _| {
                Box::pin(async {
                    world
                        .customer
                        .s3
                        .delete_bucket_encryption()
                        .bucket(&applied.bucket)
                        .send()
                        .await
                        .unwrap();
                })
            },
            "",
            only("encrypted-with-key"),
            Some("bucket-encryption"),
        ),
        row(
            mode,
            "bucket with another key by default",
            |world, applied, _| {
                Box::pin(async {
                    let other = world.customer.create_key().await;
                    let text = applied.document("bucket-encryption").to_string().replace(&applied.key, &other);
                    applied
                        .apply(&world.customer, "bucket-encryption", &serde_json::from_str(&text).unwrap())
                        .await;
                })
            },
            "",
            only("encrypted-with-key"),
            Some("bucket-encryption"),
        ),
        row(
            mode,
            "versioning on",
            |world, applied, _| Box::pin(async { world.customer.keep_versions(&applied.bucket).await }),
            "",
            only("versioning-disabled"),
            Some("bucket-versioning"),
        ),
        row(
            mode,
            "denied when not encrypted by header",
            |world, applied, _| {
                Box::pin(async {
                    let mut policy = applied.document("bucket-policy");
                    let deny = json!({"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": format!("arn:aws:s3:::{}/*", applied.bucket),
                    "Condition": {"StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}}});
                    policy["Statement"].as_array_mut().unwrap().push(deny);
                    applied.apply(&world.customer, "bucket-policy", &policy).await;
                })
            },
            "",
            only("object-writable"),
            Some("bucket-policy"),
        ),
        row(
            mode,
            "key disabled",
            |world, applied, _| {
                Box::pin(async {
                    world.customer.kms.disable_key().key_id(&applied.key).send().await.unwrap();
                })
            },
            "",
            only("key-suitable"),
            Some("key-settings"),
        ),
        row(
            mode,
            "key pending deletion",
            |world, applied, _| {
                Box::pin(async {
                    let kms = &world.customer.kms;
                    kms.schedule_key_deletion()
                        .key_id(&applied.key)
                        .pending_window_in_days(7)
                        .send()
                        .await
                        .unwrap();
                    let key = kms.describe_key().key_id(&applied.key).send().await.unwrap().key_metadata.unwrap();
                    assert_eq!(key.key_state, Some(KeyState::PendingDeletion));
                })
            },
            "",
            only("key-suitable"),
            Some("key-settings"),
        ),
        row(
            mode,
            "key usable through S3 alone",
            |world, applied, _| {
                Box::pin(async {
                    let mut statement = applied.document("key-policy");
                    statement["Condition"]["StringEquals"]["kms:ViaService"] = json!("s3.eu-central-1.amazonaws.com");
                    applied.apply(&world.customer, "key-policy", &statement).await;
                    if applied.role.is_some() {
                        let text = applied.document("role-permissions").to_string();
                        let mut permissions: Value = serde_json::from_str(&text).unwrap();
                        permissions["Statement"]
                            .as_array_mut()
                            .unwrap()
                            .retain(|statement| statement["Sid"] != "LatchkeyKey");
                        applied.apply(&world.customer, "role-permissions", &permissions).await;
                    }
                })
            },
            "",
            only("key-describable"),
            Some(if mode == "direct" { "key-policy" } else { "role-permissions" }),
        ),
        row(
            mode,
            "bucket in another region",
            |world, applied, _| Box::pin(async { applied.bucket = world.customer.create_bucket_in("us-west-2").await }),
            "",
            only("bucket-region-matches"),
            Some("form"),
        ),
        row(
            mode,
            "denied to the vendor",
            |world, applied, _| {
                Box::pin(async {
                    let mut policy = applied.document("bucket-policy");
                    let bucket = format!("arn:aws:s3:::{}", applied.bucket);
                    let who = applied.role.as_ref().unwrap_or(&world.direct_role);
                    let deny = json!({"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": [bucket, format!("{bucket}/*")],
                        "Condition": {"ArnEquals": {"aws:PrincipalArn": who}}});
                    policy["Statement"].as_array_mut().unwrap().push(deny);
                    applied.apply(&world.customer, "bucket-policy", &policy).await;
                })
            },
            "",
            only("bucket-listable"),
            Some("bucket-policy"),
        ),
        row(
            mode,
            "denied to the vendor in the key's policy:",
            |world, applied, action| {
                Box::pin(async move {
                    let who = applied.role.as_ref().unwrap_or(&world.direct_role);
                    let deny = json!({"Sid": "Keep out", "Effect": "Deny", "Principal": "*", "Action": action, "Resource": "*",
                        "Condition": {"ArnEquals": {"aws:PrincipalArn": who}}});
                    world.customer.add_to_key(&applied.key, &deny).await;
                })
            },
            "kms:Decrypt",
            only("key-decrypt-allowed"),
            Some("key-policy"),
        ),
        row(
            mode,
            "key missing",
            |_, applied, _| {
                Box::pin(async {
                    let (account, _) = applied.key.split_once(":key/").unwrap();
                    applied.key = format!("{account}:key/{}", "00000000-0000-4000-8000-000000000000");
                })
            },
            "",
            if mode == "direct" {
                &["key-describable", "encrypted-with-key"]
            } else {
                only("key-describable")
            },
            Some(if mode == "direct" { "key-policy" } else { "form" }),
        ),
        row(
            mode,
            "key that is not for encryption",
            |world, applied, _| {
                Box::pin(async {
                    let created = world
                        .customer
                        .kms
                        .create_key()
                        .key_spec(KeySpec::Hmac256)
                        .key_usage(KeyUsageType::GenerateVerifyMac)
                        .send();
                    use_instead(world, applied, created.await.unwrap().key_metadata.and_then(|key| key.arn).unwrap()).await;
                })
            },
            "",
            only("key-suitable"),
            Some("key-settings"),
        ),
    ]
}

/// Another key in the place of the first, everywhere it is named.
async fn use_instead(world: &World, applied: &mut Applied, key: String) {
    let old = std::mem::replace(&mut applied.key, key);
    for name in ["key-policy", "role-permissions", "bucket-encryption"] {
        if let Some(document) = applied.documents.get_mut(name) {
            *document = serde_json::from_str(&document.to_string().replace(&old, &applied.key)).unwrap();
            let document = document.clone();
            applied.apply(&world.customer, name, &document).await;
        }
    }
}
