//! What a full verification proves of the documents that were applied.

use latchkey::domain::vendor::Vendor;
use rstest::rstest;
use serde_json::{Value, json};

use crate::document_versions::with_posture;
use crate::support::aws::{Applied, World, apply_templates};
use crate::support::server::{TIMEOUT, TestServer};

async fn documents(server: &TestServer) -> Value {
    server.get("/v1/tenants/acme").await.expect(200)["documents"].clone()
}

/// A verified tenant of a release that has ended.
async fn verified_before(world: &World, mode: &'static str) -> (Applied, Vendor, String) {
    let old = TestServer::builder().aws(world).start().await;
    old.create_tenant("acme").await;
    let applied = apply_templates(world, &old, "acme", mode).await;
    assert_eq!(old.submit("acme", &applied.submission()).await["verdict"], "verified");
    let first = documents(&old).await;
    assert_eq!((&first["issued_version"], &first["verified_version"]), (&json!(1), &json!(1)));
    (applied, with_posture(&old), old.database_url.clone())
}

/// The checks of the new permissions only warn, so the verification succeeds without them. But AWS denies them, so it proves nothing of
/// the new documents until they are applied.
#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn documents_that_were_not_applied_are_not_verified_against(#[values("assume_role", "direct")] mode: &'static str) {
    let world = World::new().await;
    let (applied, vendor, database) = verified_before(&world, mode).await;
    let new = TestServer::builder()
        .database_url(&database)
        .aws(&world)
        .vendor(vendor)
        .start()
        .await;
    assert_eq!(new.get("/v1/document-versions").await.expect(200)["current"], 2);
    assert_eq!(new.verify("acme").await["verdict"], "verified");
    let before = documents(&new).await;
    assert_eq!((&before["verified_version"], &before["is_outdated"]), (&json!(1), &json!(true)));

    let query = format!(
        "mode={mode}&bucket={}&key_arn={}&role_name={}",
        applied.bucket, applied.key, applied.role_name
    );
    let path = format!("/v1/tenants/acme/templates?{query}&account_id={}", world.customer.id);
    let issued = new.get(&path).await.expect(200);
    assert_eq!(issued["document_version"], 2);
    for document in issued["documents"].as_array().unwrap() {
        let name = document["document"].as_str().unwrap();
        applied.apply(&world.customer, name, &document["body"]).await;
    }
    // Its settings are not what is recommended, which is not a matter of the documents.
    let verified = new.verify("acme").await;
    assert_eq!(verified["verdict"], "verified");
    let after = documents(&new).await;
    assert_eq!((&after["verified_version"], &after["is_outdated"]), (&json!(2), &json!(false)));
}

/// A re-verification leaves no record while nothing changed, but it proves as much.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_reverification_proves_documents_that_are_the_same_for_the_mode() {
    let world = World::new().await;
    let (_, vendor, database) = verified_before(&world, "direct").await;
    let without_roles = Vendor {
        storage_role: None,
        posture: false,
        ..vendor
    };
    let new = TestServer::builder()
        .database_url(&database)
        .aws(&world)
        .vendor(without_roles)
        .start()
        .await;
    let listed = new.get("/v1/document-versions").await.expect(200);
    assert_eq!((&listed["current"], &listed["outdated_tenants"]), (&json!(2), &json!(0)));
    let verifications = async || -> i64 {
        sqlx::query_scalar("select count(*) from verifications")
            .fetch_one(&new.pool)
            .await
            .unwrap()
    };
    let recorded = verifications().await;
    let asked = json!({"within_seconds": 0, "reason": "a test"});
    new.post("/v1/reverifications", &asked).await.expect(200);
    let proven = async {
        while documents(&new).await["verified_version"] != 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(TIMEOUT, proven).await.expect("it is proven");
    assert_eq!(verifications().await, recorded);
}
