//! `direct`: the policies of bucket and key.

use super::{Change, KMS_ACTIONS, Row, S3_ACTIONS, only, row, without};

pub fn rows() -> Vec<Row> {
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
    // Nothing of the bucket is granted: one cause, one red line.
    let out = only("bucket-listable");
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
    rows.push(row(
        "direct",
        "key statement absent",
        |world, applied, _| Box::pin(async { world.customer.remove_from_key(&applied.key, "LatchkeyKey").await }),
        "",
        only("key-describable"),
        Some("key-policy"),
    ));
    let open: Change = |world, applied, sid| {
        Box::pin(async move {
            let name = if sid == "LatchkeyKey" { "key-policy" } else { "bucket-policy" };
            let mut document = applied.document(name);
            let of_sid = |statement: &&mut serde_json::Value| statement["Sid"].as_str().is_some_and(|named| named.starts_with(sid));
            match document["Statement"].as_array_mut() {
                Some(statements) => statements.iter_mut().filter(of_sid).for_each(open_up),
                None => open_up(&mut document),
            }
            applied.apply(&world.customer, name, &document).await;
        })
    };
    for (sid, fails, document) in [
        ("LatchkeyList", "bucket-requires-external-id", "bucket-policy"),
        ("LatchkeyObjects", "bucket-requires-external-id", "bucket-policy"),
        // Both of the bucket's.
        ("Latchkey", "bucket-requires-external-id", "bucket-policy"),
        ("LatchkeyKey", "key-requires-external-id", "key-policy"),
    ] {
        rows.push(row("direct", "no tag condition on", open, sid, only(fails), Some(document)));
    }
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
    let locked = only("key-describable");
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

fn open_up(statement: &mut serde_json::Value) {
    statement.as_object_mut().unwrap().remove("Condition");
}
