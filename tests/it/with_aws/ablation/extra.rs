//! What the vendor asks for beyond what Latchkey needs.

use latchkey::domain::extra_action::{ExtraAction, ExtraActions};
use latchkey::domain::vendor::Vendor;
use rstest::rstest;
use serde_json::Value;

use super::Repair::Fixes;
use super::{Setup, TENANT, has_sid, statements};
use crate::support::aws::{PREFIX, READ_PREFIX, Scope, WHOLE, World, apply_scope};
use crate::support::server::{TestServer, check};

const CHECK: &str = "extra-actions-allowed";

/// A tenant of a vendor that asks for everything it may ask for.
async fn asking(mode: &'static str, scope: Scope) -> Setup {
    let world = World::new().await;
    let plain = TestServer::builder().aws(&world).start().await;
    let vendor = Vendor {
        extra: ExtraActions::new(&ExtraAction::all().collect::<Vec<_>>()),
        ..plain.context.vendor.as_ref().clone()
    };
    let server = plain.replica().aws(&world).vendor(vendor).start().await;
    server.create_tenant(TENANT).await;
    let applied = apply_scope(&world, &server, TENANT, mode, scope).await;
    let setup = Setup { world, server, applied };
    if scope.access == "read" {
        setup.put_document().await;
    }
    setup
}

#[rstest]
#[tokio::test]
async fn everything_is_granted(#[values("direct", "assume_role")] mode: &'static str, #[values(WHOLE, PREFIX, READ_PREFIX)] scope: Scope) {
    let setup = asking(mode, scope).await;
    let verification = setup.server.submit(TENANT, &setup.applied.submission()).await;
    assert_eq!(verification["verdict"], "verified", "{}", super::not_passed(&verification));
    let proven = check(&verification, CHECK);
    let (summary, detail) = (proven["summary"].as_str().unwrap(), proven["detail"].as_str().unwrap());
    let writes = scope.access == "read_write";
    for action in ["s3:PutObjectTagging", "s3:DeleteObjectTagging"] {
        assert_eq!(summary.contains(action), writes, "{summary}");
    }
    for action in ["s3:GetObjectTagging", "s3:ListBucketVersions", "kms:ListGrants"] {
        assert!(summary.contains(action), "{summary}");
    }
    assert!(
        detail.contains("s3:GetObjectVersion") && !detail.contains("s3:GetObjectTagging"),
        "{detail}"
    );
    assert_eq!(detail.contains("s3:PutBucketNotification"), writes, "{detail}");
}

#[rstest]
#[case::objects("LatchkeyObjects", "s3:GetObjectTagging", "bucket-policy")]
#[case::list("LatchkeyList", "s3:ListBucketVersions", "bucket-policy")]
#[case::bucket("LatchkeyBucket", "s3:GetBucketLocation", "bucket-policy")]
#[case::key("LatchkeyKey", "kms:ListGrants", "key-policy")]
#[tokio::test]
async fn an_action_that_is_not_granted(
    #[case] sid: &str,
    #[case] action: &str,
    #[case] resource: &str,
    #[values("direct", "assume_role")] mode: &'static str,
) {
    let setup = asking(mode, PREFIX).await;
    let granted_by: &[&str] = if mode == "direct" {
        &[resource]
    } else {
        &["role-permissions", resource]
    };
    for document in granted_by {
        setup.change(document, |body| remove(body, sid, action)).await;
    }
    setup.fails(&[CHECK], granted_by[0], Fixes).await;
}

fn remove(body: &mut Value, sid: &str, action: &str) {
    let found = match body.get("Statement") {
        Some(_) => statements(body)
            .iter_mut()
            .find(|statement| has_sid(statement, sid))
            .expect("the statement is there"),
        None => body,
    };
    let actions = found["Action"].as_array_mut().expect("it has several actions");
    let before = actions.len();
    actions.retain(|other| other != action);
    assert_eq!(actions.len(), before - 1);
}

/// These calls, too, show that access is granted without the external ID.
#[rstest]
#[case::bucket("LatchkeyBucket", "bucket-policy", "bucket-requires-external-id")]
#[tokio::test]
async fn no_tag_condition(#[case] sid: &str, #[case] document: &str, #[case] fails: &str) {
    let setup = asking("direct", WHOLE).await;
    let unbind = |body: &mut Value| {
        let mut all = statements(body).iter_mut();
        let statement = all.find(|statement| has_sid(statement, sid)).expect("the statement is there");
        statement.as_object_mut().unwrap().remove("Condition").expect("it has a condition");
    };
    setup.change(document, unbind).await;
    setup.fails(&[fails], document, Fixes).await;
}
