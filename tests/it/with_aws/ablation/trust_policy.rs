//! The role's trust policy: who may assume it, and under which condition.

use rstest::rstest;
use serde_json::{Value, json};

use super::Repair::{ByHand, Fixes};
use super::{Setup, statements};

const NOT_ASSUMABLE: &[&str] = &["client-role-assumable"];
const OPEN: &[&str] = &["role-requires-external-id"];

/// A tenant whose trust policy was changed.
async fn setup(change: impl FnOnce(&mut Vec<Value>)) -> Setup {
    let setup = Setup::new("assume_role").await;
    setup.change("trust-policy", |policy| change(statements(policy))).await;
    setup
}

#[tokio::test]
async fn another_principal() {
    let setup = Setup::new("assume_role").await;
    let root = format!("arn:aws:iam::{}:root", setup.world.customer.id);
    setup
        .change("trust-policy", |policy| statements(policy)[0]["Principal"]["AWS"] = json!(root))
        .await;
    setup.fails(NOT_ASSUMABLE, "trust-policy", Fixes).await;
}

#[tokio::test]
async fn another_external_id() {
    let setup = setup(|statements| statements[0]["Condition"]["StringEquals"]["sts:ExternalId"] = json!("lk-another")).await;
    setup.fails(NOT_ASSUMABLE, "trust-policy", Fixes).await;
}

#[tokio::test]
async fn role_deleted() {
    let setup = Setup::new("assume_role").await;
    let (iam, role) = (&setup.world.customer.iam, &setup.applied.role_name);
    let policy = iam.delete_role_policy().role_name(role).policy_name("latchkey");
    policy.send().await.unwrap();
    iam.delete_role().role_name(role).send().await.unwrap();
    setup.fails(NOT_ASSUMABLE, "trust-policy", ByHand).await;
}

#[tokio::test]
async fn no_condition() {
    let setup = setup(|statements| drop(statements[0].as_object_mut().unwrap().remove("Condition"))).await;
    setup.fails(OPEN, "trust-policy", Fixes).await;
}

#[tokio::test]
async fn any_external_id() {
    let setup = setup(|statements| statements[0]["Condition"] = json!({"StringLike": {"sts:ExternalId": "*"}})).await;
    setup.fails(OPEN, "trust-policy", Fixes).await;
}

#[tokio::test]
async fn a_second_statement_without_condition() {
    let setup = setup(|statements| {
        let second = json!({"Effect": "Allow", "Principal": statements[0]["Principal"], "Action": "sts:AssumeRole"});
        statements.push(second);
    })
    .await;
    setup.fails(OPEN, "trust-policy", ByHand).await;
}

fn by_operator(operator: &str) -> impl FnOnce(&mut Vec<Value>) {
    move |statements| {
        let external_id = statements[0]["Condition"]["StringEquals"].take();
        statements[0]["Condition"] = json!({operator: external_id});
    }
}

#[tokio::test]
async fn the_exact_external_id_with_string_like() {
    setup(by_operator("StringLike")).await.is_verified().await;
}

#[rstest]
#[tokio::test]
async fn an_operator_that_accepts_a_missing_external_id(#[values("StringEqualsIfExists", "ForAllValues:StringEquals")] operator: &str) {
    setup(by_operator(operator)).await.fails(OPEN, "trust-policy", Fixes).await;
}
