//! The role's trust policy: who may assume it, and with what.

use serde_json::{Value, json};

use super::{Change, Row, only, row};
use crate::aws::{Applied, World};

/// Puts a condition, or another statement, into the trust policy.
async fn trust(world: &World, applied: &Applied, statement: impl FnOnce(&mut Value)) {
    let mut document = applied.document("trust-policy");
    statement(&mut document["Statement"]);
    applied.apply(&world.customer, "trust-policy", &document).await;
}

pub fn rows() -> Vec<Row> {
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
