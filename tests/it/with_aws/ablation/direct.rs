//! `direct`: the policies of bucket and key.

use rstest::rstest;
use serde_json::Value;

use super::Repair::Fixes;
use super::{
    ABORT_UPLOAD, DECRYPT, DELETE_OBJECT, DESCRIBE_KEY, ENCRYPT, GENERATE_DATA_KEY, GET_OBJECT, LIST_BUCKET, LIST_PARTS, PUT_OBJECT,
    Permission, REENCRYPT, RESTORE_OBJECT, Setup, has_sid, statements,
};
use crate::support::aws::{PREFIX, READ, READ_PREFIX, Scope, WHOLE};

const BUCKET: &str = "bucket-policy";
const KEY: &str = "key-policy";

#[rstest]
#[tokio::test]
async fn bucket_permission_not_granted(
    #[values(GET_OBJECT, PUT_OBJECT, RESTORE_OBJECT, DELETE_OBJECT, LIST_BUCKET, LIST_PARTS, ABORT_UPLOAD)] permission: Permission,
    #[values(WHOLE, PREFIX)] scope: Scope,
) {
    let setup = Setup::of("direct", scope).await;
    setup.remove(permission.action, &[BUCKET]).await;
    setup.fails(&[permission.check], BUCKET, Fixes).await;
}

#[rstest]
#[tokio::test]
async fn key_permission_not_granted(
    #[values(ENCRYPT, DECRYPT, REENCRYPT, GENERATE_DATA_KEY, DESCRIBE_KEY)] permission: Permission,
    #[values(WHOLE, PREFIX)] scope: Scope,
) {
    let setup = Setup::of("direct", scope).await;
    setup.remove(permission.action, &[KEY]).await;
    setup.fails(&[permission.check], KEY, Fixes).await;
}

#[rstest]
#[case::get(GET_OBJECT, BUCKET)]
#[case::list(LIST_BUCKET, BUCKET)]
#[case::decrypt(DECRYPT, KEY)]
#[case::describe(DESCRIBE_KEY, KEY)]
#[tokio::test]
async fn permission_to_read_not_granted(#[case] permission: Permission, #[case] document: &str, #[values(READ, READ_PREFIX)] scope: Scope) {
    let setup = Setup::of("direct", scope).await;
    setup.remove(permission.action, &[document]).await;
    setup.fails(&[permission.check], document, Fixes).await;
}

/// Nothing is granted: one cause, so one check fails.
#[tokio::test]
async fn no_bucket_policy() {
    let setup = Setup::new("direct").await;
    let delete = setup.world.customer.s3.delete_bucket_policy().bucket(&setup.applied.bucket);
    delete.send().await.unwrap();
    setup.fails(&["bucket-listable"], BUCKET, Fixes).await;
}

#[tokio::test]
async fn no_key_statement() {
    let setup = Setup::new("direct").await;
    setup.world.customer.remove_from_key(&setup.applied.key, "LatchkeyKey").await;
    setup.fails(&["key-describable"], KEY, Fixes).await;
}

#[rstest]
#[case::list(BUCKET, &["LatchkeyList"], "bucket-requires-external-id")]
#[case::objects(BUCKET, &["LatchkeyObjects"], "bucket-requires-external-id")]
#[case::list_and_objects(BUCKET, &["LatchkeyList", "LatchkeyObjects"], "bucket-requires-external-id")]
#[case::key(KEY, &["LatchkeyKey"], "key-requires-external-id")]
#[tokio::test]
async fn no_tag_condition(#[case] document: &str, #[case] sids: &[&str], #[case] fails: &str) {
    let setup = Setup::new("direct").await;
    let remove_conditions = |body: &mut Value| {
        let all = match document {
            KEY => vec![body],
            _ => statements(body).iter_mut().collect(),
        };
        let mut removed = 0;
        for statement in all {
            if sids.iter().any(|sid| has_sid(statement, sid)) {
                removed += usize::from(statement.as_object_mut().unwrap().remove("Condition").is_some());
            }
        }
        assert_eq!(removed, sids.len());
    };
    setup.change(document, remove_conditions).await;
    setup.fails(&[fails], document, Fixes).await;
}

#[rstest]
#[case::bucket(BUCKET, "bucket-listable")]
#[case::key(KEY, "key-describable")]
#[tokio::test]
async fn condition_on_another_external_id(#[case] document: &str, #[case] fails: &str) {
    let setup = Setup::new("direct").await;
    let policy = setup.applied.document(BUCKET);
    let external_id = &policy["Statement"][0]["Condition"]["StringEquals"]["aws:PrincipalTag/latchkey-external-id"];
    setup.replace(document, external_id.as_str().unwrap(), "lk-another").await;
    setup.fails(&[fails], document, Fixes).await;
}

#[rstest]
#[case::bucket(BUCKET, "bucket-listable")]
#[case::key(KEY, "key-describable")]
#[tokio::test]
async fn another_account_as_the_vendor(#[case] document: &str, #[case] fails: &str) {
    let setup = Setup::new("direct").await;
    let root = format!("arn:aws:iam::{}:root", setup.world.customer.id);
    setup.replace(document, &setup.world.direct_role, &root).await;
    setup.fails(&[fails], document, Fixes).await;
}
