//! Invites, as ops make and revoke them.

use latchkey::domain::token::Role;
use serde_json::{Value, json};

use crate::support::server::TestServer;

#[tokio::test]
async fn an_invite_is_shown_once_and_stored_as_a_hash() {
    let server = TestServer::start().await;
    server.create_tenant("acme").await;
    let created = server.post("/v1/tenants/acme/invites", &json!({"expires_in_hours": 2})).await;
    assert_eq!(created.headers["cache-control"], "no-store");
    let created = created.expect(201);
    let url = created["url"].as_str().unwrap();
    let token = url
        .strip_prefix(&format!("{}/onboard/", server.public))
        .expect("the link is public");
    assert_eq!(token.len(), 43);

    let listed = server.get("/v1/tenants/acme/invites").await.expect(200);
    assert_eq!(listed["items"][0]["id"], created["id"]);
    assert_eq!(listed["items"][0]["state"], "open");
    assert!(!listed.to_string().contains(token));
    let detail = server.get("/v1/tenants/acme").await.expect(200);
    assert_eq!(detail["open_invites"][0]["id"], created["id"]);

    let kept: Vec<String> =
        sqlx::query_scalar("select row_to_json(i)::text from invites i union all select row_to_json(a)::text from audit_events a")
            .fetch_all(&server.pool)
            .await
            .unwrap();
    assert!(kept.iter().any(|row| row.contains("invite.created")), "{kept:?}");
    assert!(kept.iter().all(|row| !row.contains(token)), "{kept:?}");
}

#[tokio::test]
async fn an_invite_is_revoked_and_audited_once() {
    let server = TestServer::start().await;
    server.create_tenant("acme").await;
    server.create_tenant("globex").await;
    let created = server.post("/v1/tenants/acme/invites", &json!({})).await.expect(201);
    let id = created["id"].as_str().unwrap();
    let revoke = async |slug: &str| {
        let path = format!("/v1/tenants/{slug}/invites/{id}");
        server.send(server.request(reqwest::Method::DELETE, &path)).await.status
    };
    assert_eq!(revoke("globex").await, 404, "another tenant has no such invite");
    assert_eq!(revoke("acme").await, 204);
    assert_eq!(revoke("acme").await, 204);
    let listed = server.get("/v1/tenants/acme/invites").await.expect(200);
    assert_eq!(listed["items"][0]["state"], "revoked");
    let detail = server.get("/v1/tenants/acme").await.expect(200);
    assert_eq!(detail["open_invites"], Value::Array(Vec::new()));
    let told: i64 = sqlx::query_scalar("select count(*) from audit_events where action = 'invite.revoked'")
        .fetch_one(&server.pool)
        .await
        .unwrap();
    assert_eq!(told, 1);
}

#[tokio::test]
async fn invalid_invites_are_reported() {
    let server = TestServer::start().await;
    server.create_tenant("acme").await;
    let path = "/v1/tenants/acme/invites";
    let wrong = server.post(path, &json!({"expires_in_hours": 0, "hours": 1})).await;
    assert_eq!(
        wrong.errors(),
        [
            ("hours".into(), "unknown_field".into()),
            ("expires_in_hours".into(), "lifetime_out_of_range".into())
        ]
    );
    let wrong = server.post(path, &json!({"expires_in_hours": 9999})).await;
    assert_eq!(wrong.errors(), [("expires_in_hours".into(), "lifetime_out_of_range".into())]);
    assert_eq!(server.post("/v1/tenants/nobody/invites", &json!({})).await.status, 404);
    sqlx::query("update tenants set offboarded_at = now()")
        .execute(&server.pool)
        .await
        .unwrap();
    let id: uuid::Uuid = sqlx::query_scalar("select id from tenants").fetch_one(&server.pool).await.unwrap();
    assert_eq!(server.post(&format!("/v1/tenants/{id}/invites"), &json!({})).await.status, 410);

    let viewer = server.token_of(Role::Viewer).await;
    let url = format!("{}{path}", server.private);
    let refused = server.bare(reqwest::Method::POST, &url).bearer_auth(&viewer).json(&json!({}));
    assert_eq!(server.send(refused).await.status, 403);
}
