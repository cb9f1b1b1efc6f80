//! From a tenant's creation to an internal service's read, in both modes, with the issued documents as they are.

use latchkey::domain::token::Role;
use rstest::rstest;
use serde_json::json;

use crate::support::aws::{World, apply_templates, has_sid};
use crate::support::server::{TestServer, check, checks};

#[rstest]
#[case("assume_role")]
#[case("direct")]
#[tokio::test]
async fn the_issued_documents_lead_to_verified(#[case] mode: &'static str) {
    let world = World::new().await;
    let server = TestServer::builder().aws(&world).start().await;
    let tenant = server.create_tenant("acme").await;
    assert_eq!(tenant["status"], "invited");
    let applied = apply_templates(&world, &server, "acme", mode).await;

    let verification = server.submit("acme", &applied.submission()).await;
    assert_eq!(verification["verdict"], "verified", "{verification:#}");
    assert!(checks(&verification, "passed").len() >= 18, "{verification:#}");
    assert_eq!(
        checks(&verification, "passed").len(),
        verification["checks"].as_array().unwrap().len()
    );
    assert_eq!(server.status("acme").await, "active");
    assert_eq!(
        world.customer.contents(&applied.bucket).await.0,
        Vec::<String>::new(),
        "the probe object is gone"
    );

    let service = server.token_of(Role::Service).await;
    let path = format!("{}/internal/v1/tenants/acme/storage-config", server.private);
    let read = server.send(server.bare(reqwest::Method::GET, &path).bearer_auth(&service)).await;
    let etag = read.headers["etag"].clone();
    let storage = read.expect(200);
    let vendor_role = if mode == "direct" {
        &world.direct_role
    } else {
        &world.storage_role
    };
    let expected = json!({
        "tenant_id": tenant["id"],
        "slug": "acme",
        "version": 1,
        "mode": mode,
        "status": "active",
        "bucket": applied.bucket,
        "bucket_arn": format!("arn:aws:s3:::{}", applied.bucket),
        "prefix": null,
        "access": "read_write",
        "region": "eu-central-1",
        "key_arn": applied.key,
        "role_arn": applied.role,
        "external_id": tenant["external_id"],
        "vendor_role_arn": vendor_role,
        "bucket_account_id": world.customer.id,
        "verified_at": storage["verified_at"],
        "stale": false,
    });
    assert_eq!(storage, expected);
    let again = server
        .bare(reqwest::Method::GET, &path)
        .bearer_auth(&service)
        .header("if-none-match", etag);
    assert_eq!(server.send(again).await.status, 304);
}

#[tokio::test]
async fn a_missing_permission_is_reported_and_its_fix_works() {
    let world = World::new().await;
    let server = TestServer::builder().aws(&world).start().await;
    server.create_tenant("initech").await;
    let applied = apply_templates(&world, &server, "initech", "assume_role").await;
    for name in ["role-permissions", "key-policy"] {
        let text = applied.document(name).to_string().replace("\"kms:Decrypt\",", "");
        applied.apply(&world.customer, name, &serde_json::from_str(&text).unwrap()).await;
    }

    let rejected = server.submit("initech", &applied.submission()).await;
    assert_eq!(rejected["verdict"], "rejected");
    assert_eq!(checks(&rejected, "failed"), ["key-decrypt-allowed"]);
    assert_eq!(check(&rejected, "object-readable")["skipped_because"], "key-decrypt-allowed");
    assert_eq!(server.status("initech").await, "action_required");
    assert_eq!(world.customer.contents(&applied.bucket).await.0, Vec::<String>::new());
    let fix = &check(&rejected, "key-decrypt-allowed")["fix"];
    assert_eq!(fix["document"], "role-permissions");
    assert!(has_sid(&fix["statement"], "LatchkeyKey"), "{fix:#}");

    applied.apply_fix(&world.customer, fix).await;
    let verified = server.verify("initech").await;
    assert_eq!(verified["verdict"], "verified", "{verified:#}");
    assert_eq!(verified["trigger"], "manual");
    assert_eq!(server.status("initech").await, "active");
}

#[tokio::test]
async fn a_vendor_fault_is_not_blamed_on_the_customer() {
    let world = World::new().await;
    let server = TestServer::builder().aws(&world).start().await;
    server.create_tenant("acme").await;
    let applied = apply_templates(&world, &server, "acme", "assume_role").await;
    let nobody = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": format!("arn:aws:iam::{}:root", world.customer.id)},
    }]});
    world.vendor.put_trust("storage", &nobody).await;

    let verification = server.submit("acme", &applied.submission()).await;
    assert_eq!(verification["verdict"], "inconclusive");
    assert_eq!(checks(&verification, "failed"), Vec::<String>::new());
    let summary = check(&verification, "vendor-role-assumable")["summary"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(summary.contains("No action is needed from the customer"), "{summary}");
}
