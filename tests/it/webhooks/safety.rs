//! Addresses that messages are never sent to.

use latchkey::domain::webhook::target::AllowedNetworks;
use latchkey::outbound_http::OutboundClient;
use reqwest::Method;
use serde_json::{Value, json};

use super::receiver::{Receiver, with};
use super::{Hook, Stage, switch};
use crate::support::server::{TestServer, webhook_policy};

#[tokio::test]
async fn redirects_are_not_followed() {
    let (stage, receiver, hook) = Stage::with(&["acme"]).await;
    let target = Receiver::start().await;
    for (nth, status) in [301, 302, 303, 307, 308].into_iter().enumerate() {
        let to = target.url.clone();
        receiver.answer(move |_, _| with(status, "location", &to));
        switch(&stage.server, "acme", if nth % 2 == 0 { "suspend" } else { "resume" }).await;
        stage.forward(24 * 60 * 60);
        stage.deliver(&hook).await;
        let log = hook.log(&stage.server).await;
        let last = &log[0]["attempts"].as_array().unwrap().last().unwrap().clone();
        assert_eq!((&last["failure"], &last["status"]), (&json!("redirected"), &json!(status)));
        sqlx::query("delete from webhook_deliveries")
            .execute(&stage.server.pool)
            .await
            .unwrap();
        sqlx::query("delete from webhook_queues").execute(&stage.server.pool).await.unwrap();
    }
    assert!(target.seen().is_empty() && receiver.seen().len() == 5);
}

/// The address was allowed when the webhook was created, and no longer is: the check at sending time counts.
#[tokio::test]
async fn forbidden_targets_are_refused_by_address_and_by_name() {
    let stage = Stage::new().await;
    let (server, receiver) = (&stage.server, Receiver::start().await);
    server.create_tenant("acme").await;
    let mut hooks = Vec::new();
    for origin in ["http://127.0.0.1", "http://localhost", "https://127.0.0.1", "https://localhost"] {
        hooks.push(Hook::create(server, &format!("{origin}:{}/", receiver.port)).await);
    }
    switch(server, "acme", "suspend").await;
    let strict = Stage {
        outbound_client: OutboundClient::new(AllowedNetworks::default()).unwrap(),
        ..Stage::on(TestServer::start().await)
    };
    for hook in &hooks {
        let id = latchkey::domain::ids::WebhookId::parse(&hook.id).unwrap();
        latchkey::service::webhooks::deliver::deliver(&stage.context, &strict.outbound_client, id)
            .await
            .unwrap();
        let log = hook.log(server).await;
        assert_eq!(
            (&log[0]["state"], &log[0]["attempts"][0]["failure"]),
            (&json!("waiting"), &json!("refused_target"))
        );
    }
    assert!(receiver.seen().is_empty());

    stage.forward(60);
    for hook in &hooks[..2] {
        stage.deliver(hook).await;
        assert_eq!(
            hook.log(server).await[0]["state"],
            "delivered",
            "by name and by address, where a setting allows it"
        );
    }
    assert_eq!(receiver.seen().len(), 2);
}

#[tokio::test]
async fn recognizable_forbidden_targets_are_refused_on_creation() {
    let server = TestServer::builder()
        .webhooks(latchkey::domain::webhook::WebhookPolicy {
            allowed: AllowedNetworks(vec!["10.20.0.0/16".parse().unwrap()]),
            ..webhook_policy()
        })
        .start()
        .await;
    for (url, code) in [
        ("https://169.254.169.254/latest/meta-data/", "refused_target"),
        ("https://10.21.0.1/", "refused_target"),
        ("https://[::ffff:169.254.169.254]/", "refused_target"),
        ("https://0x7f000001/", "refused_target"),
        ("http://8.8.8.8/", "not_https"),
        ("https://user:secret@hooks.vendor.example/", "credentials_in_url"),
        ("ftp://hooks.vendor.example/", "not_https"),
        ("hooks.vendor.example", "malformed_url"),
    ] {
        let refused = server.post("/v1/webhooks", &json!({"url": url})).await;
        assert_eq!(
            (refused.status, refused.errors()),
            (422, vec![("url".to_owned(), code.to_owned())]),
            "{url}"
        );
        assert!(!refused.body.to_string().contains("secret"), "{:#}", refused.body);
    }
    for url in ["https://10.20.1.1:8443/", "http://10.20.1.1/", "https://hooks.vendor.example/"] {
        server.post("/v1/webhooks", &json!({"url": url})).await.expect(201);
    }
}

#[tokio::test]
async fn all_invalid_fields_are_reported_at_once() {
    let server = TestServer::start().await;
    let wrong = json!({"url": "https://10.0.0.1/", "events": ["tenant.born", 7], "description": "", "secret": "whsec_mine"});
    let refused = server.post("/v1/webhooks", &wrong).await;
    let fields: Vec<String> = refused.errors().into_iter().map(|(field, _)| field).collect();
    assert_eq!(
        (refused.status, fields),
        (422, vec!["events[1]".into(), "secret".into(), "url".into(), "description".into()])
    );
    let wrong = json!({"events": ["tenant.born", "verification.finished", "x"]});
    let refused = server.post("/v1/webhooks", &wrong).await;
    let fields: Vec<String> = refused.errors().into_iter().map(|(field, _)| field).collect();
    assert_eq!(
        (refused.status, fields),
        (422, vec!["url".into(), "events[0]".into(), "events[2]".into()])
    );

    let none = "00000000-0000-7000-8000-000000000000";
    let receiver = Receiver::start().await;
    let hook = Hook::create(&server, &receiver.url).await;
    for path in [
        format!("/v1/webhooks/{none}"),
        "/v1/webhooks/x".into(),
        format!("/v1/webhooks/{none}/deliveries"),
        hook.path(&format!("/deliveries/{none}")),
    ] {
        assert_eq!(server.get(&path).await.status, 404, "{path}");
    }
    for rest in ["/test", "/enable", "/rotate-secret", "/deliveries/x/resend"] {
        assert_eq!(
            server.post(&format!("/v1/webhooks/{none}{rest}"), &json!({})).await.status,
            404,
            "{rest}"
        );
    }
    assert_eq!(server.get(&hook.path("/deliveries?limit=0&cursor=x")).await.errors().len(), 2);
    let refused = server.post(&hook.path("/rotate-secret"), &json!({"overlap_hours": 169})).await;
    assert_eq!(refused.errors(), [("overlap_hours".to_owned(), "out_of_range".to_owned())]);

    let viewer = server.token_of(latchkey::domain::token::Role::Viewer).await;
    for (method, path) in [(Method::GET, "/v1/webhooks".to_owned()), (Method::DELETE, hook.path(""))] {
        let asked = server.bare(method, &format!("{}{path}", server.private)).bearer_auth(&viewer);
        assert_eq!(server.send(asked).await.status, 403);
    }
}

#[tokio::test]
async fn the_number_of_webhooks_is_limited() {
    let server = TestServer::start().await;
    let body = json!({"url": "https://hooks.vendor.example/"});
    let asked = futures::future::join_all((0..25).map(|_| server.post("/v1/webhooks", &body))).await;
    let made = asked.iter().filter(|answer| answer.status == 201).count();
    assert_eq!((made, asked.iter().filter(|answer| answer.status == 409).count()), (20, 5));
    let mut ids = Vec::new();
    let mut page = server.get("/v1/webhooks?limit=15").await.expect(200);
    loop {
        ids.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| item["id"].as_str().unwrap().to_owned()),
        );
        let Value::String(cursor) = &page["next_cursor"] else { break };
        page = server.get(&format!("/v1/webhooks?limit=15&cursor={cursor}")).await.expect(200);
    }
    assert_eq!(ids.len(), 20);
    let gone = server.request(Method::DELETE, &format!("/v1/webhooks/{}", ids[0]));
    assert_eq!(server.send(gone).await.status, 204);
    server.post("/v1/webhooks", &body).await.expect(201);
}
