//! Policies that are written differently, and grant the same.

use rstest::rstest;
use serde_json::json;

use super::{Setup, checks, has_sid, not_passed, statements};
use crate::support::aws::{PREFIX, READ, READ_PREFIX, Scope, WHOLE, World};

const TENANT: &str = super::TENANT;

#[rstest]
#[tokio::test]
async fn as_issued(#[values("assume_role", "direct")] mode: &'static str, #[values(WHOLE, PREFIX, READ, READ_PREFIX)] scope: Scope) {
    Setup::of(mode, scope).await.is_verified().await;
}

#[rstest]
#[case::assume_role("assume_role", "role-permissions")]
#[case::direct("direct", "bucket-policy")]
#[tokio::test]
async fn actions_as_wildcards(#[case] mode: &'static str, #[case] document: &str) {
    let setup = Setup::new(mode).await;
    let wildcard = |body: &mut serde_json::Value| {
        for statement in statements(body) {
            if has_sid(statement, "LatchkeyObjects") {
                statement["Action"] = json!(["s3:*Object", "s3:*MultipartUpload*"]);
            }
        }
    };
    setup.change(document, wildcard).await;
    setup.is_verified().await;
}

#[rstest]
#[case::assume_role("assume_role", "role-permissions")]
#[case::direct("direct", "bucket-policy")]
#[tokio::test]
async fn statements_merged(#[case] mode: &'static str, #[case] document: &str) {
    let setup = Setup::new(mode).await;
    let bucket = setup.bucket_arn();
    let merge = |body: &mut serde_json::Value| {
        let statements = statements(body);
        statements.retain(|statement| !has_sid(statement, "LatchkeyList"));
        statements[0]["Action"].as_array_mut().unwrap().push(json!("s3:ListBucket"));
        statements[0]["Resource"] = json!([bucket.clone(), format!("{bucket}/*")]);
    };
    setup.change(document, merge).await;
    setup.is_verified().await;
}

#[tokio::test]
async fn role_with_a_path() {
    let mut setup = Setup::new("assume_role").await;
    let old = setup.principal().to_owned();
    let applied = &setup.applied;
    let name = format!("{}-at-path", applied.role_name);
    let (trust, permissions) = (applied.document("trust-policy"), applied.document("role-permissions"));
    let role = setup.world.customer.put_role_at("/documents/", &name, &trust, &permissions).await;
    for document in ["bucket-policy", "key-policy"] {
        setup.replace(document, &old, &role).await;
    }
    setup.applied.role = Some(role);
    setup.is_verified().await;
}

#[rstest]
#[tokio::test]
async fn insecure_transport_denied(#[values("assume_role", "direct")] mode: &'static str) {
    let setup = Setup::new(mode).await;
    deny_insecure_transport(&setup).await;
    setup.is_verified().await;
}

/// The test above proves something only if the stand-in evaluates the condition.
#[tokio::test]
async fn insecure_transport_is_denied() {
    let world = World::new().await;
    let endpoint = world.endpoint.clone();
    let setup = Setup::through(world, &endpoint, "direct", WHOLE).await;
    deny_insecure_transport(&setup).await;
    let verification = setup.server.submit(TENANT, &setup.applied.submission()).await;
    assert_eq!(
        checks(&verification, "failed"),
        ["bucket-listable"],
        "{}",
        not_passed(&verification)
    );
}

async fn deny_insecure_transport(setup: &Setup) {
    let bucket = setup.bucket_arn();
    let deny = json!({"Sid": "OnlyTls", "Effect": "Deny", "Principal": "*", "Action": "s3:*",
        "Resource": [bucket, format!("{bucket}/*")], "Condition": {"Bool": {"aws:SecureTransport": "false"}}});
    setup.change("bucket-policy", |policy| statements(policy).push(deny)).await;
}
