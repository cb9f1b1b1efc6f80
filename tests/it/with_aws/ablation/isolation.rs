//! Others have access: anyone on the internet, or the vendor's own roles without the tenant's external ID.

use rstest::rstest;
use serde_json::{Value, json};

use super::Repair::{ByHand, Fixes};
use super::{Setup, TENANT, not_passed, remove_action, statements};
use crate::support::server::checks;

const BUCKET: &str = "bucket-policy";

impl Setup {
    async fn allow_public_policies(&self) {
        let s3 = &self.world.customer.s3;
        let delete = s3.delete_public_access_block().bucket(&self.applied.bucket);
        delete.send().await.unwrap();
    }

    /// Allows puts to this principal, and denies them to the one that reads and writes the documents.
    async fn allow_puts_of_others_only(&self, principal: Value) {
        let resource = format!("{}/*", self.bucket_arn());
        let statement = |effect: &str, principal: Value| json!({"Sid": format!("{effect}Put"), "Effect": effect, "Principal": principal, "Action": "s3:PutObject", "Resource": resource});
        let (others, ours) = (statement("Allow", principal), statement("Deny", json!({"AWS": self.principal()})));
        self.change(BUCKET, |body| statements(body).extend([others, ours])).await;
    }

    async fn fails_in_order(&self, expected: &[&str]) {
        let verification = self.server.submit(TENANT, &self.applied.submission()).await;
        assert_eq!(checks(&verification, "failed"), expected, "{}", not_passed(&verification));
        assert_eq!(verification["verdict"], "rejected");
    }

    /// Adds a statement to the bucket policy.
    async fn grant(&self, principal: Value, action: &str) {
        let bucket = self.bucket_arn();
        let statement = json!({"Sid": "Others", "Effect": "Allow", "Principal": principal, "Action": action,
            "Resource": [bucket, format!("{bucket}/*")]});
        self.change(BUCKET, |body| statements(body).push(statement)).await;
    }
}

/// A statement of its own, without the condition.
#[rstest]
#[case::put("s3:PutObject")]
#[case::delete("s3:DeleteObject")]
#[case::restore("s3:RestoreObject")]
#[tokio::test]
async fn direct_action_without_condition(#[case] action: &str) {
    let setup = Setup::new("direct").await;
    let statement = json!({"Sid": "Others", "Effect": "Allow", "Principal": {"AWS": setup.world.direct_role}, "Action": action,
        "Resource": format!("{}/*", setup.bucket_arn())});
    let separate = |body: &mut Value| {
        remove_action(body, action);
        statements(body).push(statement);
    };
    setup.change(BUCKET, separate).await;
    setup.fails(&["bucket-requires-external-id"], BUCKET, ByHand).await;
}

#[rstest]
#[case::decrypt("kms:Decrypt")]
#[case::describe("kms:DescribeKey")]
#[case::data_key("kms:GenerateDataKeyWithoutPlaintext")]
#[tokio::test]
async fn direct_key_action_without_condition(#[case] action: &str) {
    let setup = Setup::new("direct").await;
    let statement =
        json!({"Sid": "Others", "Effect": "Allow", "Principal": {"AWS": setup.world.direct_role}, "Action": action, "Resource": "*"});
    setup.world.customer.add_to_key(&setup.applied.key, &statement).await;
    setup.fails(&["key-requires-external-id"], "key-policy", ByHand).await;
}

#[rstest]
#[tokio::test]
async fn public_bucket(
    #[values("assume_role", "direct")] mode: &'static str,
    #[values("s3:ListBucket", "s3:GetObject", "s3:PutObject", "s3:DeleteObject")] action: &str,
) {
    let setup = Setup::new(mode).await;
    setup.allow_public_policies().await;
    setup.grant(json!("*"), action).await;
    setup.fails(&["bucket-not-public"], BUCKET, ByHand).await;
}

/// The vendor's roles have permissions of their own, and the bucket lets the whole account in.
#[rstest]
#[tokio::test]
async fn vendor_account_in_bucket_policy(
    #[values("s3:ListBucket", "s3:GetObject", "s3:PutObject", "s3:RestoreObject", "s3:DeleteObject")] action: &str,
) {
    let setup = Setup::new("assume_role").await;
    let account = format!("arn:aws:iam::{}:root", setup.world.vendor.id);
    setup.grant(json!({"AWS": account}), action).await;
    setup.fails(&["bucket-requires-external-id"], BUCKET, ByHand).await;
}

#[rstest]
#[case::describe("kms:DescribeKey")]
#[case::decrypt("kms:Decrypt")]
#[tokio::test]
async fn vendor_account_in_key_policy(#[case] action: &str) {
    let setup = Setup::new("assume_role").await;
    let account = format!("arn:aws:iam::{}:root", setup.world.vendor.id);
    let statement = json!({"Sid": "Others", "Effect": "Allow", "Principal": {"AWS": account}, "Action": action, "Resource": "*"});
    setup.world.customer.add_to_key(&setup.applied.key, &statement).await;
    setup.fails(&["key-requires-external-id"], "key-policy", ByHand).await;
}

/// The bucket policy allows the storage role itself. A vendor whose storage role may call S3 is the case in which this matters.
#[tokio::test]
async fn storage_role_in_bucket_policy() {
    let setup = Setup::new("assume_role").await;
    let all = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["sts:AssumeRole", "s3:*"], "Resource": "*"}]});
    setup.world.vendor.put_permissions("storage", &all).await;
    setup.grant(json!({"AWS": setup.world.storage_role}), "s3:GetObject").await;
    setup.fails(&["bucket-requires-external-id"], BUCKET, ByHand).await;
}

/// With the external ID, any principal may assume the role. None of the vendor's other roles may assume roles, so this cannot
/// be found out, and no check claims that it was.
#[tokio::test]
async fn any_principal_in_trust_policy() {
    let setup = Setup::new("assume_role").await;
    let open = |body: &mut Value| statements(body)[0]["Principal"] = json!("*");
    setup.change("trust-policy", open).await;
    setup.is_verified().await;
}

/// In the owner's account, AWS does not apply session policies to what a statement for every principal grants.
#[tokio::test]
async fn role_in_condition_instead_of_principal() {
    let setup = Setup::new("assume_role").await;
    let role = setup.principal().to_owned();
    setup.allow_public_policies().await;
    let by_condition = |body: &mut Value| {
        for statement in statements(body) {
            statement["Principal"] = json!("*");
            statement["Condition"] = json!({"ArnEquals": {"aws:PrincipalArn": role}});
        }
    };
    setup.change(BUCKET, by_condition).await;
    setup.fails(&["read-only-enforced", "prefix-enforced"], BUCKET, Fixes).await;
}

/// Our own put is denied, so there is no probe object. That others may put is found nevertheless.
#[rstest]
#[tokio::test]
async fn open_to_puts_of_others_but_not_to_ours(#[values("assume_role", "direct")] mode: &'static str) {
    let setup = Setup::new(mode).await;
    setup.allow_public_policies().await;
    setup.allow_puts_of_others_only(json!("*")).await;
    setup.fails_in_order(&["object-writable", "bucket-not-public"]).await;
}

/// The same with the vendor's account instead of everyone.
#[tokio::test]
async fn open_to_puts_of_the_vendor_but_not_to_ours() {
    let setup = Setup::new("assume_role").await;
    let account = format!("arn:aws:iam::{}:root", setup.world.vendor.id);
    setup.allow_puts_of_others_only(json!({"AWS": account})).await;
    setup.fails_in_order(&["object-writable", "bucket-requires-external-id"]).await;
}
