//! Rotating the external ID: the tenant always has one that works, and the old one is verified to be denied at the end.

use latchkey::domain::token::Role;
use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::aws::{Applied, World, apply_templates};
use crate::support::server::{TestServer, check, checks};

async fn delete(server: &TestServer, which: &str) -> crate::support::server::ApiResponse {
    let path = format!("/v1/tenants/acme/external-id/{which}");
    server.send(server.request(Method::DELETE, &path)).await
}

async fn rotate(server: &TestServer) -> crate::support::server::ApiResponse {
    server.post("/v1/tenants/acme/external-id/rotate", &json!({})).await
}

/// The config that an internal service gets.
async fn served(server: &TestServer, token: &str) -> Value {
    let url = format!("{}/internal/v1/tenants/acme/storage-config", server.private);
    let answer = server.send(server.bare(Method::GET, &url).bearer_auth(token)).await;
    answer.expect(200)["external_id"].clone()
}

/// Applies the documents as they are issued now.
async fn reapply(world: &World, server: &TestServer, applied: &Applied) {
    let query = format!(
        "mode={}&bucket={}&key_arn={}&role_name={}&account_id={}",
        applied.mode, applied.bucket, applied.key, applied.role_name, world.customer.id
    );
    let issued = server.get(&format!("/v1/tenants/acme/templates?{query}")).await.expect(200);
    for document in issued["documents"].as_array().unwrap() {
        applied
            .apply(&world.customer, document["document"].as_str().unwrap(), &document["body"])
            .await;
    }
}

async fn active(mode: &'static str) -> (World, TestServer, Applied, String) {
    let world = World::new().await;
    let server = TestServer::builder().aws(&world).start().await;
    let service = server.token_of(Role::Service).await;
    server.create_tenant("acme").await;
    let applied = apply_templates(&world, &server, "acme", mode).await;
    assert_eq!(server.submit("acme", &applied.submission()).await["verdict"], "verified");
    (world, server, applied, service)
}

#[rstest]
#[case("assume_role", "role-requires-external-id")]
#[case("direct", "bucket-requires-external-id")]
#[tokio::test(flavor = "multi_thread")]
async fn an_external_id_is_rotated_with_overlap(#[case] mode: &'static str, #[case] guard: &str) {
    let (world, server, applied, service) = active(mode).await;
    let old = served(&server, &service).await;
    let issued = rotate(&server).await.expect(200);
    let next = issued["next_external_id"].clone();
    assert!(next.is_string() && next != old, "{issued:#}");
    assert_eq!(issued["external_id"], old);

    // Nothing is applied yet: it is refused, and what is active stays as it is.
    let refused = server.verify("acme").await;
    assert_eq!((&refused["verdict"], &refused["trigger"]), (&json!("rejected"), &json!("rotation")));
    assert_eq!(
        (server.status("acme").await, served(&server, &service).await),
        (json!("active"), old.clone())
    );

    reapply(&world, &server, &applied).await;
    assert_eq!(server.verify("acme").await["verdict"], "verified");
    let overlap = server.get("/v1/tenants/acme").await.expect(200);
    assert_eq!((&overlap["external_id"], &overlap["previous_external_id"]), (&next, &old));
    assert_eq!(served(&server, &service).await, next);
    assert_eq!(server.verify("acme").await["trigger"], "manual", "the overlap may last");

    // The customer still accepts the old one: that is found, and nothing is degraded.
    delete(&server, "previous").await.expect(200);
    let ending = server.get("/v1/tenants/acme/verifications?limit=1").await.expect(200)["items"][0]["id"].clone();
    let refused = server.finished(&ending).await;
    assert_eq!(refused["trigger"], "rotation");
    assert!(checks(&refused, "failed").contains(&guard.to_owned()), "{refused:#}");
    let summary = check(&refused, guard)["summary"].as_str().unwrap();
    assert!(summary.contains("with the previous external ID"), "{summary}");
    assert_eq!(served(&server, &service).await, next);
    assert_eq!(server.status("acme").await, "active");

    reapply(&world, &server, &applied).await;
    let proven = server.verify("acme").await;
    assert_eq!(proven["verdict"], "verified", "{proven:#}");
    let over = server.get("/v1/tenants/acme").await.expect(200);
    assert_eq!((&over["external_id"], &over["previous_external_id"]), (&next, &Value::Null));
    assert_eq!(server.verify("acme").await["trigger"], "manual");
    let told: Vec<String> = sqlx::query_scalar("select action from audit_events where action like 'external_id.%' order by at, id")
        .fetch_all(&server.pool)
        .await
        .unwrap();
    assert_eq!(
        told,
        [
            "external_id.issued",
            "external_id.proven",
            "external_id.ended",
            "external_id.retired"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn only_one_rotation_runs_and_it_can_be_abandoned() {
    let (_world, server, _applied, service) = active("assume_role").await;
    let old = served(&server, &service).await;
    delete(&server, "next").await.expect(409);
    delete(&server, "previous").await.expect(409);
    let first = rotate(&server).await.expect(200)["next_external_id"].clone();
    rotate(&server).await.expect(409);
    delete(&server, "previous").await.expect(409);
    let back = delete(&server, "next").await.expect(200);
    assert_eq!((&back["external_id"], &back["next_external_id"]), (&old, &Value::Null));
    assert_eq!(server.verify("acme").await["trigger"], "manual");
    let second = rotate(&server).await.expect(200)["next_external_id"].clone();
    assert_ne!(first, second);
    assert_eq!(served(&server, &service).await, old);
}

#[tokio::test]
async fn a_tenant_without_active_storage_cannot_rotate() {
    let server = TestServer::start().await;
    server.create_tenant("acme").await;
    let refused = rotate(&server).await.expect(409);
    assert!(refused["detail"].as_str().unwrap().contains("no verified storage"), "{refused:#}");
    server.post("/v1/tenants/nobody/external-id/rotate", &json!({})).await.expect(404);
}
