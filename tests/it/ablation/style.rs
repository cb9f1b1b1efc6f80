//! Nothing is wrong but the style: all of these are verified.

use serde_json::json;

use super::{Change, Row, row};

pub fn rows() -> Vec<Row> {
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
    let tls_alone: Change = |world, applied, _| {
        Box::pin(async move {
            let mut policy = applied.document("bucket-policy");
            let bucket = format!("arn:aws:s3:::{}", applied.bucket);
            let deny = json!({"Sid": "TlsAlone", "Effect": "Deny", "Principal": "*", "Action": "s3:*",
                "Resource": [bucket, format!("{bucket}/*")], "Condition": {"Bool": {"aws:SecureTransport": "false"}}});
            policy["Statement"].as_array_mut().unwrap().push(deny);
            applied.apply(&world.customer, "bucket-policy", &policy).await;
        })
    };
    let with_path: Change = |world, applied, _| {
        Box::pin(async move {
            let old = applied.role.take().unwrap();
            let role = world
                .customer
                .put_role_at(
                    "/documents/",
                    &format!("{}-at-path", applied.role_name),
                    &applied.document("trust-policy"),
                    &applied.document("role-permissions"),
                )
                .await;
            for name in ["bucket-policy", "key-policy"] {
                let text = applied.document(name).to_string().replace(&old, &role);
                applied.apply(&world.customer, name, &serde_json::from_str(&text).unwrap()).await;
            }
            applied.role = Some(role);
        })
    };
    vec![
        row("assume_role", "actions as wildcards in", wildcards, "role-permissions", &[], None),
        row("direct", "actions as wildcards in", wildcards, "bucket-policy", &[], None),
        row("assume_role", "statements merged in", merged, "role-permissions", &[], None),
        row("direct", "statements merged in", merged, "bucket-policy", &[], None),
        row("assume_role", "role with a path", with_path, "", &[], None),
        row("assume_role", "insecure transport denied", tls_alone, "", &[], None),
        row("direct", "insecure transport denied", tls_alone, "", &[], None),
    ]
}
