//! Signing secrets: shown once, derived, rotated, and nowhere in the database.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use latchkey::domain::webhook::WebhookPolicy;
use latchkey::domain::webhook::secret::SigningKeys;
use latchkey::service::Context;
use serde_json::{Value, json};

use super::receiver::Receiver;
use super::{Hook, Stage, switch, verifies};
use crate::support::server::{SIGNING_KEY, TestServer, webhook_policy};

#[tokio::test]
async fn both_secrets_are_valid_during_a_rotation() {
    let (stage, receiver, old) = Stage::with(&["acme"]).await;
    let server = &stage.server;
    let rotated = server.post(&old.path("/rotate-secret"), &json!({})).await;
    assert_eq!(rotated.headers["cache-control"], "no-store");
    let rotated = rotated.expect(200);
    let new = Hook::of(&rotated);
    assert!(new.id == old.id && new.secret != old.secret && rotated["previous_secret_until"].is_string());
    switch(server, "acme", "suspend").await;
    stage.deliver(&old).await;
    let message = &receiver.seen()[0];
    assert_eq!(message.header("webhook-signature").split(' ').count(), 2);
    assert!(old.signed(message) && new.signed(message));

    sqlx::query("update webhooks set previous_until = now() - interval '1 minute'")
        .execute(&server.pool)
        .await
        .unwrap();
    switch(server, "acme", "resume").await;
    stage.deliver(&old).await;
    let message = &receiver.seen()[1];
    assert!(!old.signed(message) && new.signed(message), "the overlap is over");

    let at_once = Hook::of(
        &server
            .post(&old.path("/rotate-secret"), &json!({"overlap_hours": 0}))
            .await
            .expect(200),
    );
    switch(server, "acme", "suspend").await;
    stage.deliver(&old).await;
    let message = &receiver.seen()[2];
    assert!(!new.signed(message) && at_once.signed(message), "a secret that leaked ends at once");
}

#[tokio::test]
async fn the_signing_key_can_be_rotated_and_is_required_for_sending() {
    let (stage, receiver, hook) = Stage::with(&["acme"]).await;
    let with = |keys: &str| Context {
        webhooks: Arc::new(WebhookPolicy {
            keys: SigningKeys::parse(&keys.into()).unwrap(),
            ..webhook_policy()
        }),
        ..stage.context.clone()
    };
    let id = latchkey::domain::ids::WebhookId::parse(&hook.id).unwrap();
    let other = "ab".repeat(32);
    switch(&stage.server, "acme", "suspend").await;
    latchkey::service::webhooks::deliver::deliver(&with(&other), &stage.outbound_client, id)
        .await
        .unwrap();
    let log = hook.log(&stage.server).await;
    assert_eq!((&log[0]["attempts"][0]["failure"], receiver.seen().len()), (&json!("unsigned"), 0));

    stage.forward(60);
    let both = with(&format!("{other},{SIGNING_KEY}"));
    latchkey::service::webhooks::deliver::deliver(&both, &stage.outbound_client, id)
        .await
        .unwrap();
    let sent = receiver.seen();
    assert_eq!(sent.len(), 1, "a key that is no longer the first is still known");
    let (_, secret) = latchkey::service::webhooks::rotate_secret::rotate_secret(
        &both,
        &latchkey::service::Caller::operator(),
        id,
        chrono::TimeDelta::zero(),
    )
    .await
    .unwrap();
    switch(&stage.server, "acme", "resume").await;
    latchkey::service::webhooks::deliver::deliver(&with(&other), &stage.outbound_client, id)
        .await
        .unwrap();
    let message = receiver.seen().pop().unwrap();
    assert_eq!(
        hook.log(&stage.server).await[1]["state"],
        "delivered",
        "the new secret is derived from the new key alone"
    );
    assert_eq!(message.header("webhook-signature").split(' ').count(), 1);
    assert!(!hook.signed(&message) && secrecy::ExposeSecret::expose_secret(&secret).starts_with("whsec_"));
}

#[tokio::test]
async fn without_a_signing_key_only_webhooks_are_unavailable() {
    let server = TestServer::builder().webhooks(WebhookPolicy::default()).start().await;
    let refused = server.post("/v1/webhooks", &json!({"url": "https://hooks.vendor.example/"})).await;
    assert_eq!(refused.status, 409);
    assert!(
        refused.body["detail"].as_str().unwrap().contains("LATCHKEY_WEBHOOK_KEY"),
        "{:#}",
        refused.body
    );
    assert_eq!(server.get("/v1/webhooks").await.expect(200)["items"], json!([]));
    server.create_tenant("acme").await;
    switch(&server, "acme", "suspend").await;
}

#[tokio::test]
async fn secrets_are_shown_once_and_not_stored() {
    let stage = Stage::new().await;
    let (server, receiver) = (&stage.server, Receiver::start().await);
    let ask = || {
        let body = json!({"url": receiver.url, "description": "Billing"});
        server
            .request(reqwest::Method::POST, "/v1/webhooks")
            .header("idempotency-key", "k")
            .json(&body)
    };
    let made = server.send(ask()).await;
    assert_eq!(made.headers["cache-control"], "no-store");
    let hook = Hook::of(&made.expect(201));
    let again = server.send(ask()).await;
    assert_eq!(again.status, 409);
    let detail = again.body["detail"].as_str().unwrap();
    assert!(detail.contains(&format!("DELETE /v1/webhooks/{}", hook.id)), "{detail}");
    let rotated = Hook::of(&server.post(&hook.path("/rotate-secret"), &json!({})).await.expect(200));
    server.create_tenant("acme").await;
    switch(server, "acme", "suspend").await;
    stage.deliver(&hook).await;
    assert!(verifies(&rotated.secret, &receiver.seen()[0].headers, &receiver.seen()[0].body));

    let tables: Vec<String> = sqlx::query_scalar(
        "select quote_ident(schemaname) || '.' || quote_ident(tablename) from pg_tables where schemaname in ('public', 'graphile_worker')",
    )
    .fetch_all(&server.pool)
    .await
    .unwrap();
    let mut dump = String::new();
    for table in &tables {
        let sql = sqlx::AssertSqlSafe(format!("select t::text from {table} t"));
        let rows: Vec<String> = sqlx::query_scalar(sql).fetch_all(&server.pool).await.unwrap();
        dump += &rows.join("\n");
    }
    assert!(tables.len() > 20 && dump.contains(&hook.id) && dump.contains("unguessable"));
    let mut shown = String::new();
    for path in ["/v1/webhooks", &hook.path(""), &hook.path("/deliveries"), "/v1/events?limit=1000"] {
        shown += &server.get(path).await.expect(200).to_string();
    }
    let forms = |secret: &str| {
        let text = secret.strip_prefix("whsec_").expect("it begins so").to_owned();
        let bytes = STANDARD.decode(&text).expect("it is base64");
        assert_eq!(bytes.len(), 32);
        [text.trim_end_matches('=').to_owned(), hex::encode(&bytes), hex::encode(text)]
    };
    let master = [SIGNING_KEY.to_owned(), STANDARD.encode(hex::decode(SIGNING_KEY).unwrap())];
    for form in forms(&hook.secret).into_iter().chain(forms(&rotated.secret)).chain(master) {
        assert!(!dump.contains(&form) && !shown.contains(&form), "{form}");
    }
    let events = server.get("/v1/events?limit=1000").await.expect(200);
    assert!(
        !events.to_string().contains("unguessable"),
        "a URL's query is its receiver's secret: {events:#}"
    );
    let created = events["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|event| event["action"] == "webhook.created")
        .cloned();
    assert_eq!(created.unwrap_or(Value::Null)["detail"]["webhook_id"], hook.id);
}
