//! Suspending, resuming and offboarding.

use latchkey::domain::token::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::aws::{World, apply_templates};
use crate::support::server::{ApiResponse, TestServer};

async fn offboard(server: &TestServer, slug: &str, body: &Value) -> ApiResponse {
    let path = format!("/v1/tenants/{slug}");
    server.send(server.request(Method::DELETE, &path).json(body)).await
}

/// The response to an internal service.
async fn read(server: &TestServer, token: &str, slug: &str) -> (u16, Value) {
    let url = format!("{}/internal/v1/tenants/{slug}/storage-config", server.private);
    let answer = server.send(server.bare(Method::GET, &url).bearer_auth(token)).await;
    (answer.status, answer.body["type"].clone())
}

async fn events(server: &TestServer) -> Vec<(String, Value)> {
    let log = server.get("/v1/events?limit=1000").await.expect(200);
    let events = log["items"].as_array().unwrap().iter();
    let named = events.map(|event| (event["action"].as_str().unwrap().to_owned(), event.clone()));
    named.filter(|(action, _)| action.starts_with("tenant.")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_is_suspended_resumed_and_offboarded() {
    let world = World::new().await;
    let server = TestServer::builder().aws(&world).start().await;
    let service = server.token_of(Role::Service).await;
    server.create_tenant("acme").await;
    let applied = apply_templates(&world, &server, "acme", "direct").await;
    assert_eq!(server.submit("acme", &applied.submission()).await["verdict"], "verified");
    assert_eq!(read(&server, &service, "acme").await.0, 200);

    let because = json!({"reason": "Unpaid"});
    let suspended = server.post("/v1/tenants/acme/suspend", &because).await.expect(200);
    assert_eq!(suspended["status"], "suspended");
    assert_eq!(read(&server, &service, "acme").await, (403, json!("/problems/suspended")));
    let twice = server.post("/v1/tenants/acme/suspend", &because).await;
    assert_eq!((twice.status, &twice.body["type"]), (409, &json!("/problems/conflict")));
    assert_eq!(server.verify("acme").await["verdict"], "verified", "verifications may still run");
    assert_eq!(server.status("acme").await, "suspended");

    let resumed = server.post("/v1/tenants/acme/resume", &json!({"reason": "Paid"})).await.expect(200);
    assert_eq!(resumed["status"], "active");
    assert_eq!(read(&server, &service, "acme").await.0, 200);
    server.post("/v1/tenants/acme/resume", &because).await.expect(409);

    let invite = server.post("/v1/tenants/acme/invites", &json!({})).await.expect(201);
    let id = suspended["id"].as_str().unwrap().to_owned();
    let ended = offboard(&server, "acme", &json!({"reason": "Contract ended"})).await.expect(200);
    assert_eq!((&ended["status"], &ended["active_version"]), (&json!("offboarded"), &Value::Null));
    assert_eq!(read(&server, &service, &id).await, (410, json!("/problems/offboarded")));
    let link = server.send(server.bare(Method::GET, invite["url"].as_str().unwrap())).await;
    assert_eq!(link.status, 410);
    for path in ["suspend", "resume", "verifications", "invites"] {
        let body = if path.starts_with(['v', 'i']) { json!({}) } else { because.clone() };
        let refused = server.post(&format!("/v1/tenants/{id}/{path}"), &body).await;
        assert_eq!(refused.status, 410, "{path}: {:#}", refused.body);
    }
    offboard(&server, &id, &because).await.expect(410);

    // History is kept, and the names are free: another tenant takes slug and bucket.
    assert_eq!(server.get(&format!("/v1/tenants/{id}")).await.expect(200)["status"], "offboarded");
    server.create_tenant("acme").await;
    assert_eq!(server.status("acme").await, "invited");
    let told: Vec<String> = events(&server).await.into_iter().map(|(action, _)| action).collect();
    assert_eq!(
        told,
        [
            "tenant.created",
            "tenant.suspended",
            "tenant.resumed",
            "tenant.offboarded",
            "tenant.created"
        ]
    );
    let (_, event) = &events(&server).await[3];
    assert_eq!(event["detail"], json!({"reason": "Contract ended"}));
    assert_eq!(
        (&event["before"]["status"], &event["after"]["status"]),
        (&json!("active"), &json!("offboarded"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offboarded_tenants_bucket_can_be_claimed_again() {
    let world = World::new().await;
    let server = TestServer::builder().aws(&world).start().await;
    server.create_tenant("first").await;
    let applied = apply_templates(&world, &server, "first", "direct").await;
    assert_eq!(server.submit("first", &applied.submission()).await["verdict"], "verified");
    offboard(&server, "first", &json!({"reason": "Merged into another"}))
        .await
        .expect(200);

    let second = server.create_tenant("second").await;
    for name in ["bucket-policy", "key-policy"] {
        let text = applied.document(name).to_string();
        let old = applied.document("bucket-policy")["Statement"][0]["Condition"]["StringEquals"]["aws:PrincipalTag/latchkey-external-id"]
            .as_str()
            .unwrap()
            .to_owned();
        let text = text.replace(&old, second["external_id"].as_str().unwrap());
        applied.apply(&world.customer, name, &serde_json::from_str(&text).unwrap()).await;
    }
    assert_eq!(server.submit("second", &applied.submission()).await["verdict"], "verified");
}
