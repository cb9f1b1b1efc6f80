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
    vec![
        row("assume_role", "actions as wildcards in", wildcards, "role-permissions", &[], None),
        row("direct", "actions as wildcards in", wildcards, "bucket-policy", &[], None),
        row("assume_role", "statements merged in", merged, "role-permissions", &[], None),
        row("direct", "statements merged in", merged, "bucket-policy", &[], None),
    ]
}
