//! The role's trust policy: who may assume it, and under which condition.

use rstest::rstest;
use serde_json::{Value, json};

use super::Repair::{ByHand, Fixes};
use super::{Setup, TENANT, statements};
use crate::support::server::check;

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

impl Setup {
    /// What the verification shows about other roles of the vendor's. It does not decide the verdict.
    async fn other_roles(&self) -> String {
        let verification = self.server.submit(TENANT, &self.applied.submission()).await;
        assert_eq!(verification["verdict"], "verified");
        check(&verification, "role-denies-other-roles")["status"]
            .as_str()
            .unwrap()
            .to_owned()
    }
}

#[tokio::test]
async fn only_the_storage_role() {
    assert_eq!(Setup::new("assume_role").await.other_roles().await, "passed");
}

/// A principal that covers the storage role and others.
#[rstest]
#[tokio::test]
async fn more_than_the_storage_role(#[values(true, false)] everyone: bool) {
    let setup = Setup::new("assume_role").await;
    let account = format!("arn:aws:iam::{}:root", setup.world.vendor.id);
    let principal = if everyone { json!("*") } else { json!({"AWS": account}) };
    setup
        .change("trust-policy", |policy| statements(policy)[0]["Principal"] = principal)
        .await;
    assert_eq!(setup.other_roles().await, "warning");
}

/// Without a permission of its own, the other role would be denied by any trust policy. AWS says so in one organization.
#[tokio::test]
async fn the_other_role_cannot_ask() {
    let setup = Setup::new("assume_role").await;
    setup.world.join_in_one_organization().await;
    let only_storage = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:*", "kms:*"], "Resource": "*"}]});
    setup.world.vendor.put_permissions("direct", &only_storage).await;
    assert_eq!(setup.other_roles().await, "skipped");
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
