//! `assume_role`: each permission, granted by nobody, by the role alone, and by the resource alone.

use std::pin::Pin;

use serde_json::json;

use super::{Change, KMS_ACTIONS, Row, S3_ACTIONS, only, row, without};
use crate::aws::{Applied, World};

pub fn rows() -> Vec<Row> {
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
    rows.push(row(
        "assume_role",
        "key neither grants the role nor delegates to IAM",
        |world, applied, _| Box::pin(async { world.customer.lock_key(&applied.key).await }),
        "",
        only("key-describable"),
        Some("key-policy"),
    ));
    rows
}
