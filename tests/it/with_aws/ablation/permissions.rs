//! `assume_role`: each permission, granted by nobody, by the role alone, and by the resource alone.

use rstest::rstest;
use serde_json::json;

use super::Repair::Fixes;
use super::{
    ABORT_UPLOAD, DECRYPT, DELETE_OBJECT, DESCRIBE_KEY, ENCRYPT, GENERATE_DATA_KEY, GET_OBJECT, LIST_BUCKET, LIST_PARTS, PUT_OBJECT,
    Permission, REENCRYPT, RESTORE_OBJECT, Setup, has_sid, statements,
};
use crate::support::aws::{PREFIX, READ, READ_PREFIX, Scope, WHOLE};

/// A tenant whose documents lack this permission.
async fn without(permission: &Permission, documents: &[&str], scope: Scope) -> Setup {
    let setup = Setup::of("assume_role", scope).await;
    setup.remove(permission.action, documents).await;
    setup
}

#[rstest]
#[tokio::test]
async fn of_the_bucket_granted_by_nobody(
    #[values(GET_OBJECT, PUT_OBJECT, RESTORE_OBJECT, DELETE_OBJECT, LIST_BUCKET, LIST_PARTS, ABORT_UPLOAD)] permission: Permission,
    #[values(WHOLE, PREFIX)] scope: Scope,
) {
    let setup = without(&permission, &["role-permissions", "bucket-policy"], scope).await;
    setup.fails(&[permission.check], "role-permissions", Fixes).await;
}

#[rstest]
#[tokio::test]
async fn of_the_bucket_granted_by_one(
    #[values(GET_OBJECT, PUT_OBJECT, RESTORE_OBJECT, DELETE_OBJECT, LIST_BUCKET, LIST_PARTS, ABORT_UPLOAD)] permission: Permission,
    #[values(WHOLE, PREFIX)] scope: Scope,
    #[values("role-permissions", "bucket-policy")] by_other_than: &str,
) {
    without(&permission, &[by_other_than], scope).await.is_verified().await;
}

#[rstest]
#[tokio::test]
async fn of_the_key_granted_by_nobody(
    #[values(ENCRYPT, DECRYPT, REENCRYPT, GENERATE_DATA_KEY, DESCRIBE_KEY)] permission: Permission,
    #[values(WHOLE, PREFIX)] scope: Scope,
) {
    let setup = without(&permission, &["role-permissions", "key-policy"], scope).await;
    setup.fails(&[permission.check], "role-permissions", Fixes).await;
}

#[rstest]
#[tokio::test]
async fn of_the_key_granted_by_one(
    #[values(ENCRYPT, DECRYPT, REENCRYPT, GENERATE_DATA_KEY, DESCRIBE_KEY)] permission: Permission,
    #[values("role-permissions", "key-policy")] by_other_than: &str,
    #[values(WHOLE)] scope: Scope,
) {
    without(&permission, &[by_other_than], scope).await.is_verified().await;
}

#[rstest]
#[case::get(GET_OBJECT, "bucket-policy")]
#[case::list(LIST_BUCKET, "bucket-policy")]
#[case::decrypt(DECRYPT, "key-policy")]
#[case::describe(DESCRIBE_KEY, "key-policy")]
#[tokio::test]
async fn to_read_granted_by_nobody(#[case] permission: Permission, #[case] document: &str, #[values(READ, READ_PREFIX)] scope: Scope) {
    let setup = without(&permission, &["role-permissions", document], scope).await;
    setup.fails(&[permission.check], "role-permissions", Fixes).await;
}

/// AWS rejects a bucket policy whose actions do not fit its resource, so the policy has another action on that resource.
#[rstest]
#[case::the_objects_instead_of_the_bucket("LatchkeyList", "/*", "s3:GetObjectAcl", "bucket-listable")]
#[case::the_bucket_instead_of_its_objects("LatchkeyObjects", "", "s3:GetBucketLocation", "object-writable")]
#[tokio::test]
async fn granted_on(#[case] sid: &str, #[case] suffix: &str, #[case] other_action: &str, #[case] fails: &str) {
    let setup = Setup::new("assume_role").await;
    let resource = json!(format!("{}{suffix}", setup.bucket_arn()));
    for document in ["role-permissions", "bucket-policy"] {
        let change = |body: &mut serde_json::Value| {
            let statement = statements(body).iter_mut().find(|statement| has_sid(statement, sid));
            let statement = statement.expect("the document has the statement");
            statement["Resource"] = resource.clone();
            if document == "bucket-policy" {
                statement["Action"] = json!(other_action);
            }
        };
        setup.change(document, change).await;
    }
    setup.fails(&[fails], "role-permissions", Fixes).await;
}

#[tokio::test]
async fn key_policy_neither_grants_nor_delegates_to_iam() {
    let setup = Setup::new("assume_role").await;
    setup.world.customer.lock_key(&setup.applied.key).await;
    setup.fails(&["key-describable"], "key-policy", Fixes).await;
}
