//! The ablation matrix: from a tenant whose documents were applied as issued, one thing is changed. Exactly the expected
//! checks fail, their fix names the document that was changed, and what is skipped is skipped because of them.

use std::future::Future;
use std::pin::Pin;

use aws_sdk_kms::types::KeyState;
use futures::stream::{self, StreamExt};
use serde_json::{Value, json};

use crate::aws::{Applied, World, apply_templates};
use crate::server::{Server, check, checks};

type Change = for<'a> fn(&'a World, &'a mut Applied, &'a str) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

struct Row {
    name: String,
    mode: &'static str,
    change: Change,
    /// Handed to the change.
    subject: &'static str,
    fails: &'static [&'static str],
    /// The document that the first fix names; none when nothing is wrong.
    fix: Option<&'static str>,
}

const S3_ACTIONS: [(&str, &str); 5] = [
    ("s3:GetObject", "object-readable"),
    ("s3:PutObject", "object-writable"),
    ("s3:RestoreObject", "object-restorable"),
    ("s3:DeleteObject", "object-deletable"),
    ("s3:ListBucket", "bucket-listable"),
];
const KMS_ACTIONS: [(&str, &str); 5] = [
    ("kms:Encrypt", "key-encrypt-allowed"),
    ("kms:Decrypt", "key-decrypt-allowed"),
    ("kms:ReEncrypt*", "key-reencrypt-allowed"),
    ("kms:GenerateDataKey*", "key-generate-data-key-allowed"),
    ("kms:DescribeKey", "key-describable"),
];

fn row(
    mode: &'static str,
    name: &str,
    change: Change,
    subject: &'static str,
    fails: &'static [&'static str],
    fix: Option<&'static str>,
) -> Row {
    Row {
        name: format!("{mode}: {name} {subject}"),
        mode,
        change,
        subject,
        fails,
        fix,
    }
}

/// One check, for as long as the program runs.
fn only(check: &'static str) -> &'static [&'static str] {
    Box::leak(Box::new([check]))
}

/// A document without an action, wherever the action stands.
fn without(document: &Value, action: &str) -> Value {
    fn strip(statement: &mut Value, action: &str) {
        if let Some(actions) = statement["Action"].as_array_mut() {
            actions.retain(|other| other != action);
        }
    }
    let mut document = document.clone();
    match document["Statement"].as_array_mut() {
        Some(statements) => {
            for statement in statements.iter_mut() {
                strip(statement, action);
            }
            statements.retain(|statement| statement["Action"] != json!([]));
        }
        None => strip(&mut document, action),
    }
    document
}

fn rows() -> Vec<Row> {
    let mut rows = vec![
        row("assume_role", "as issued", |_, _, _| Box::pin(async {}), "", &[], None),
        row("direct", "as issued", |_, _, _| Box::pin(async {}), "", &[], None),
    ];
    rows.extend(trust_policy());
    rows.extend(permissions_of_a_role());
    rows.extend(direct_policies());
    rows.extend(["assume_role", "direct"].into_iter().flat_map(bucket_and_key));
    rows.extend(style());
    rows
}

/// Puts a condition, or another statement, into the trust policy.
async fn trust(world: &World, applied: &Applied, statement: impl FnOnce(&mut Value)) {
    let mut document = applied.document("trust-policy");
    statement(&mut document["Statement"]);
    applied.apply(&world.customer, "trust-policy", &document).await;
}

fn trust_policy() -> Vec<Row> {
    let refuses = only("client-role-assumable");
    let open = only("role-requires-external-id");
    let fix = Some("trust-policy");
    let operator: Change = |world, applied, operator| {
        Box::pin(trust(world, applied, move |statements| {
            let id = statements[0]["Condition"]["StringEquals"].take();
            statements[0]["Condition"] = json!({operator: id});
        }))
    };
    let mut rows = vec![
        row(
            "assume_role",
            "trust names another principal",
            |world, applied, _| {
                Box::pin(trust(world, applied, |statements| {
                    statements[0]["Principal"]["AWS"] = json!(format!("arn:aws:iam::{}:root", world.customer.id));
                }))
            },
            "",
            refuses,
            fix,
        ),
        row(
            "assume_role",
            "trust asks for another ID",
            |world, applied, _| {
                Box::pin(trust(world, applied, |statements| {
                    statements[0]["Condition"]["StringEquals"]["sts:ExternalId"] = json!("lk-somebody-elses");
                }))
            },
            "",
            refuses,
            fix,
        ),
        row(
            "assume_role",
            "role deleted",
            |world, applied, _| {
                Box::pin(async {
                    let iam = &world.customer.iam;
                    iam.delete_role_policy()
                        .role_name(&applied.role_name)
                        .policy_name("latchkey")
                        .send()
                        .await
                        .unwrap();
                    iam.delete_role().role_name(&applied.role_name).send().await.unwrap();
                })
            },
            "",
            refuses,
            fix,
        ),
        row(
            "assume_role",
            "trust without condition",
            |world, applied, _| {
                Box::pin(trust(world, applied, |statements| {
                    statements[0].as_object_mut().unwrap().remove("Condition");
                }))
            },
            "",
            open,
            fix,
        ),
        row(
            "assume_role",
            "trust with StringLike *",
            |world, applied, _| {
                Box::pin(trust(world, applied, |statements| {
                    statements[0]["Condition"] = json!({"StringLike": {"sts:ExternalId": "*"}});
                }))
            },
            "",
            open,
            fix,
        ),
        row(
            "assume_role",
            "trust with a second, open statement",
            |world, applied, _| {
                Box::pin(trust(world, applied, |statements| {
                    let second = json!({"Effect": "Allow", "Principal": statements[0]["Principal"], "Action": "sts:AssumeRole"});
                    statements.as_array_mut().unwrap().push(second);
                }))
            },
            "",
            open,
            fix,
        ),
        row("assume_role", "trust with the exact ID by", operator, "StringLike", &[], None),
    ];
    for lets_missing_in in ["StringEqualsIfExists", "ForAllValues:StringEquals"] {
        rows.push(row("assume_role", "trust with", operator, lets_missing_in, open, fix));
    }
    rows
}

fn permissions_of_a_role() -> Vec<Row> {
    fn drop_from<'a>(
        world: &'a World,
        applied: &'a Applied,
        action: &'a str,
        documents: &'a [&'a str],
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(async move {
            for name in documents {
                applied
                    .apply(&world.customer, name, &without(&applied.document(name), action))
                    .await;
            }
        })
    }
    let mut rows = Vec::new();
    for (action, fails) in S3_ACTIONS {
        let nobody: Change = |world, applied, action| drop_from(world, applied, action, &["role-permissions", "bucket-policy"]);
        rows.push(row(
            "assume_role",
            "granted by nobody:",
            nobody,
            action,
            only(fails),
            Some("role-permissions"),
        ));
        let by_role: Change = |world, applied, action| drop_from(world, applied, action, &["bucket-policy"]);
        rows.push(row("assume_role", "granted by the role alone:", by_role, action, &[], None));
        let by_bucket: Change = |world, applied, action| drop_from(world, applied, action, &["role-permissions"]);
        rows.push(row("assume_role", "granted by the bucket alone:", by_bucket, action, &[], None));
    }
    for (action, fails) in KMS_ACTIONS {
        let nobody: Change = |world, applied, action| drop_from(world, applied, action, &["role-permissions", "key-policy"]);
        rows.push(row(
            "assume_role",
            "granted by nobody:",
            nobody,
            action,
            only(fails),
            Some("role-permissions"),
        ));
        let by_role: Change = |world, applied, action| drop_from(world, applied, action, &["key-policy"]);
        rows.push(row("assume_role", "granted by the role alone:", by_role, action, &[], None));
        let by_key: Change = |world, applied, action| drop_from(world, applied, action, &["role-permissions"]);
        rows.push(row("assume_role", "granted by the key alone:", by_key, action, &[], None));
    }
    let elsewhere: Change = |world, applied, sid| {
        Box::pin(async move {
            for name in ["role-permissions", "bucket-policy"] {
                let mut document = applied.document(name);
                for statement in document["Statement"].as_array_mut().unwrap() {
                    if statement["Sid"] == sid {
                        let bucket = format!("arn:aws:s3:::{}", applied.bucket);
                        statement["Resource"] = json!(if sid == "LatchkeyList" { format!("{bucket}/*") } else { bucket });
                        if sid == "LatchkeyObjects" && name == "bucket-policy" {
                            // A bucket policy of object actions on the bucket itself is refused as malformed by AWS.
                            statement["Action"] = json!("s3:GetBucketLocation");
                        }
                        if sid == "LatchkeyList" && name == "bucket-policy" {
                            statement["Action"] = json!("s3:GetObjectAcl");
                        }
                    }
                }
                applied.apply(&world.customer, name, &document).await;
            }
        })
    };
    rows.push(row(
        "assume_role",
        "on the wrong resource:",
        elsewhere,
        "LatchkeyList",
        only("bucket-listable"),
        Some("role-permissions"),
    ));
    rows.push(row(
        "assume_role",
        "on the wrong resource:",
        elsewhere,
        "LatchkeyObjects",
        only("object-writable"),
        Some("role-permissions"),
    ));
    rows
}

fn direct_policies() -> Vec<Row> {
    let mut rows = Vec::new();
    let from_bucket: Change = |world, applied, action| {
        Box::pin(async move {
            applied
                .apply(
                    &world.customer,
                    "bucket-policy",
                    &without(&applied.document("bucket-policy"), action),
                )
                .await;
        })
    };
    for (action, fails) in S3_ACTIONS {
        rows.push(row(
            "direct",
            "not granted:",
            from_bucket,
            action,
            only(fails),
            Some("bucket-policy"),
        ));
    }
    let from_key: Change = |world, applied, action| {
        Box::pin(async move {
            applied
                .apply(&world.customer, "key-policy", &without(&applied.document("key-policy"), action))
                .await;
        })
    };
    for (action, fails) in KMS_ACTIONS {
        rows.push(row("direct", "not granted:", from_key, action, only(fails), Some("key-policy")));
    }
    let out: &[&str] = &["bucket-listable", "object-writable"];
    rows.push(row(
        "direct",
        "bucket policy absent",
        |world, applied, _| {
            Box::pin(async {
                world
                    .customer
                    .s3
                    .delete_bucket_policy()
                    .bucket(&applied.bucket)
                    .send()
                    .await
                    .unwrap();
            })
        },
        "",
        out,
        Some("bucket-policy"),
    ));
    let other: Change = |world, applied, name| {
        Box::pin(async move {
            let id =
                applied.document("bucket-policy")["Statement"][0]["Condition"]["StringEquals"]["aws:PrincipalTag/latchkey-external-id"]
                    .clone();
            let text = applied
                .document(name)
                .to_string()
                .replace(id.as_str().unwrap(), "lk-somebody-elses");
            applied.apply(&world.customer, name, &serde_json::from_str(&text).unwrap()).await;
        })
    };
    rows.push(row(
        "direct",
        "condition on another tenant's ID:",
        other,
        "bucket-policy",
        out,
        Some("bucket-policy"),
    ));
    let locked: &[&str] = &["key-describable", "key-encrypt-allowed", "key-generate-data-key-allowed"];
    rows.push(row(
        "direct",
        "condition on another tenant's ID:",
        other,
        "key-policy",
        locked,
        Some("key-policy"),
    ));
    let account: Change = |world, applied, name| {
        Box::pin(async move {
            let text = applied
                .document(name)
                .to_string()
                .replace(&world.direct_role, &format!("arn:aws:iam::{}:root", world.customer.id));
            applied.apply(&world.customer, name, &serde_json::from_str(&text).unwrap()).await;
        })
    };
    rows.push(row(
        "direct",
        "wrong vendor account:",
        account,
        "bucket-policy",
        out,
        Some("bucket-policy"),
    ));
    rows.push(row(
        "direct",
        "wrong vendor account:",
        account,
        "key-policy",
        locked,
        Some("key-policy"),
    ));
    rows
}

fn bucket_and_key(mode: &'static str) -> Vec<Row> {
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
            &["key-describable", "key-encrypt-allowed", "key-generate-data-key-allowed"],
            Some(if mode == "direct" { "key-policy" } else { "role-permissions" }),
        ),
    ]
}

fn style() -> Vec<Row> {
    let wildcards: Change = |world, applied, name| {
        Box::pin(async move {
            let mut document = applied.document(name);
            for statement in document["Statement"].as_array_mut().unwrap() {
                if statement["Sid"] == "LatchkeyObjects" {
                    statement["Action"] = json!("s3:*Object");
                }
            }
            applied.apply(&world.customer, name, &document).await;
        })
    };
    let merged: Change = |world, applied, name| {
        Box::pin(async move {
            let mut document = applied.document(name);
            let bucket = format!("arn:aws:s3:::{}", applied.bucket);
            let statements = document["Statement"].as_array_mut().unwrap();
            statements.retain(|statement| statement["Sid"] != "LatchkeyList");
            statements[0]["Action"].as_array_mut().unwrap().push(json!("s3:ListBucket"));
            statements[0]["Resource"] = json!([bucket.clone(), format!("{bucket}/*")]);
            applied.apply(&world.customer, name, &document).await;
        })
    };
    vec![
        row("assume_role", "actions as wildcards in", wildcards, "role-permissions", &[], None),
        row("direct", "actions as wildcards in", wildcards, "bucket-policy", &[], None),
        row("assume_role", "statements merged in", merged, "role-permissions", &[], None),
        row("direct", "statements merged in", merged, "bucket-policy", &[], None),
    ]
}

async fn play(world: &World, server: &Server, nth: usize, row: &Row) -> Result<(), String> {
    let slug = format!("row-{nth}");
    server.create_tenant(&slug).await;
    let mut applied = apply_templates(world, server, &slug, row.mode).await;
    (row.change)(world, &mut applied, row.subject).await;
    let verification = server.submit(&slug, &applied.submission()).await;
    let failed = checks(&verification, "failed");
    if failed != row.fails {
        return Err(format!(
            "{} failed, wanted {}: {:#}",
            failed.join(", "),
            row.fails.join(", "),
            verification["checks"]
        ));
    }
    let open = checks(&verification, "inconclusive");
    if !open.is_empty() {
        return Err(format!("{} stayed open", open.join(", ")));
    }
    for skipped in checks(&verification, "skipped") {
        let because = check(&verification, &skipped)["skipped_because"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let status = check(&verification, &because)["status"].clone();
        if status != "failed" && status != "skipped" {
            return Err(format!("{skipped} is skipped because of {because}, which {status}"));
        }
    }
    let Some(first) = row.fails.first() else {
        return Ok(());
    };
    let fix = &check(&verification, first)["fix"];
    if fix["document"].as_str() != row.fix {
        return Err(format!("the fix of {first} is {fix:#}"));
    }
    let left = verification["leftovers"].as_array().map_or(0, Vec::len);
    let there = if *first == "bucket-reachable" {
        0
    } else {
        world.customer.contents(&applied.bucket).await.0.len()
    };
    if left != there {
        return Err(format!("{there} objects are left, the verification says {left}"));
    }
    mend(world, server, &slug, row, &applied, verification).await
}

/// Applies the fixes that have a statement until nothing fails. One that says what to take out has none, and a role that
/// is gone or a second statement are no matter of one statement.
async fn mend(world: &World, server: &Server, slug: &str, row: &Row, applied: &Applied, rejected: Value) -> Result<(), String> {
    let beyond = ["role deleted", "a second, open statement"]
        .iter()
        .any(|name| row.name.contains(name));
    let mut verification = rejected;
    for _ in 0..4 {
        let failed = checks(&verification, "failed");
        let Some(first) = failed.first() else {
            break;
        };
        let fix = &check(&verification, first)["fix"];
        if fix["statement"].is_null() || beyond {
            return Ok(());
        }
        applied.apply_fix(&world.customer, fix).await;
        verification = server.verify(slug).await;
    }
    if verification["verdict"] != "verified" {
        return Err(format!("the fixes do not mend it: {:#}", verification["checks"]));
    }
    let left = world.customer.contents(&applied.bucket).await.0;
    if !left.is_empty() || verification["leftovers"] != json!([]) {
        return Err(format!("{left:?} is left after the fixes"));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_row_of_the_matrix_fails_as_expected() {
    let world = World::new().await;
    let server = Server::start(&world).await;
    let rows = rows();
    let (world, server) = (&world, &server);
    let outcomes: Vec<(&Row, Result<(), String>)> = stream::iter(rows.iter().enumerate())
        .map(|(nth, row)| async move { (row, play(world, server, nth, row).await) })
        .buffered(4)
        .collect()
        .await;
    let wrong: Vec<String> = outcomes
        .iter()
        .filter_map(|(row, outcome)| outcome.as_ref().err().map(|fault| format!("{}\n    {fault}", row.name)))
        .collect();
    println!("ablation matrix: {} rows", outcomes.len());
    assert!(
        wrong.is_empty(),
        "{} of {} rows:\n{}",
        wrong.len(),
        outcomes.len(),
        wrong.join("\n")
    );
}
