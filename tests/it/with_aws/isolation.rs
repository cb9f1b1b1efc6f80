//! Isolation: a configuration that grants access without the external ID is rejected before anything is written.

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::aws::{Account, World, apply_templates, has_sid};
use crate::support::server::{TestServer, check, checks};

/// Takes the condition out of the statements that are named, or of all.
fn without_condition(document: &Value, sids: &[&str]) -> Value {
    let mut document = document.clone();
    let open = |statement: &mut Value| {
        if sids.iter().any(|sid| has_sid(statement, sid)) {
            statement
                .as_object_mut()
                .unwrap()
                .remove("Condition")
                .expect("there was a condition");
        }
    };
    match document["Statement"].as_array_mut() {
        Some(statements) => statements.iter_mut().for_each(open),
        None => open(&mut document),
    }
    document
}

#[rstest]
#[case::trust_policy("assume_role", "trust-policy", &["LatchkeyAssume"], "role-requires-external-id", true)]
#[case::bucket_policy("direct", "bucket-policy", &["LatchkeyObjects", "LatchkeyList"], "bucket-requires-external-id", true)]
#[case::bucket_policy_list("direct", "bucket-policy", &["LatchkeyList"], "bucket-requires-external-id", true)]
#[case::bucket_policy_objects("direct", "bucket-policy", &["LatchkeyObjects"], "bucket-requires-external-id", false)]
#[case::key_policy("direct", "key-policy", &["LatchkeyKey"], "key-requires-external-id", false)]
#[tokio::test]
async fn a_document_without_its_condition_is_rejected(
    #[case] mode: &'static str,
    #[case] document: &str,
    #[case] sids: &[&str],
    #[case] expected: &str,
    #[case] before_writing: bool,
) {
    let world = World::new().await;
    let server = TestServer::builder().aws(&world).start().await;
    server.create_tenant("acme").await;
    let applied = apply_templates(&world, &server, "acme", mode).await;
    let open = without_condition(&applied.document(document), sids);
    applied.apply(&world.customer, document, &open).await;
    if before_writing {
        world.customer.keep_versions(&applied.bucket).await;
    }

    let rejected = server.submit("acme", &applied.submission()).await;
    assert_eq!(rejected["verdict"], "rejected");
    assert_eq!(checks(&rejected, "failed"), [expected], "{rejected:#}");
    let (objects, ever) = world.customer.contents(&applied.bucket).await;
    assert_eq!(objects, Vec::<String>::new());
    if before_writing {
        assert_eq!(ever, 0, "nothing was ever written");
        assert_eq!(checks(&rejected, "inconclusive"), Vec::<String>::new(), "{rejected:#}");
    }
    let fix = &check(&rejected, expected)["fix"];
    assert_eq!(fix["document"], document);
    assert_eq!(fix["action"], "replace");
    assert!(fix["statement"]["Condition"].is_object());
    assert!(check(&rejected, expected)["detail"].as_str().unwrap().contains("another tenant"));

    if !before_writing {
        applied.apply_fix(&world.customer, fix).await;
        let verified = server.verify("acme").await;
        assert_eq!(verified["verdict"], "verified", "{verified:#}");
    }
}

/// A version that was submitted while the setting allowed it.
#[tokio::test]
async fn a_bucket_in_the_vendors_own_account_is_rejected() {
    let mut world = World::new().await;
    world.customer = Account::with_id(&world.endpoint, &world.vendor.id).await;
    let nothing = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "s3:GetBucketAcl", "Resource": "*"}]});
    world.vendor.put_permissions("direct", &nothing).await;
    let before = TestServer::builder().aws(&world).allow_own_account().start().await;
    before.create_tenant("acme").await;
    let applied = apply_templates(&world, &before, "acme", "assume_role").await;
    let verified = before.submit("acme", &applied.submission()).await;
    assert_eq!(verified["verdict"], "verified", "{verified:#}");

    let refused = before.replica().aws(&world).start().await;
    let errors = refused.post("/v1/tenants/acme/storage-configs", &applied.submission()).await;
    let own = |field: &str| (field.to_owned(), "vendor_account".to_owned());
    assert_eq!(errors.errors(), [own("key_arn"), own("role_arn")]);
    drop(before);
    let rejected = refused.verify("acme").await;
    assert_eq!(checks(&rejected, "failed"), ["bucket-owner-matches"], "{rejected:#}");
    let summary = check(&rejected, "bucket-owner-matches")["summary"].as_str().unwrap();
    assert!(
        summary.contains(&world.vendor.id) && summary.contains("Example Vendor"),
        "{summary}"
    );
}

#[tokio::test]
async fn another_tenants_bucket_cannot_be_claimed() {
    let world = World::new().await;
    let server = TestServer::builder().aws(&world).start().await;
    server.create_tenant("acme").await;
    server.create_tenant("mallory").await;
    let applied = apply_templates(&world, &server, "acme", "direct").await;
    assert_eq!(server.submit("acme", &applied.submission()).await["verdict"], "verified");

    let stolen = server.submit("mallory", &applied.submission()).await;
    assert_eq!(stolen["verdict"], "rejected");
    assert!(checks(&stolen, "failed").contains(&"bucket-listable".to_owned()), "{stolen:#}");
    assert_eq!(server.status("mallory").await, "action_required");
    assert_eq!(server.status("acme").await, "active");
}

#[tokio::test]
async fn a_bucket_belongs_to_the_first_tenant_that_claims_it() {
    let world = World::new().await;
    let server = TestServer::builder().aws(&world).start().await;
    let ids: Vec<Value> = [server.create_tenant("first").await, server.create_tenant("second").await]
        .iter()
        .map(|tenant| tenant["external_id"].clone())
        .collect();
    let applied = apply_templates(&world, &server, "first", "assume_role").await;
    let mut trust = applied.document("trust-policy");
    trust["Statement"][0]["Condition"]["StringEquals"]["sts:ExternalId"] = Value::Array(ids);
    applied.apply(&world.customer, "trust-policy", &trust).await;

    assert_eq!(server.submit("first", &applied.submission()).await["verdict"], "verified");
    let second = server.submit("second", &applied.submission()).await;
    assert_eq!(second["verdict"], "rejected");
    assert_eq!(checks(&second, "failed"), ["bucket-not-claimed"], "{second:#}");
    assert_eq!(
        server.verify("first").await["verdict"],
        "verified",
        "a tenant's own claim does not block it"
    );
}
