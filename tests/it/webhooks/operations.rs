//! Operating webhooks after they are created.

use latchkey::service::webhooks::sweep;
use reqwest::Method;
use serde_json::{Value, json};

use super::receiver::{Receiver, status};
use super::{Hook, Stage, switch};
use crate::support::server::TestServer;

#[tokio::test(flavor = "multi_thread")]
async fn a_test_message_is_sent_once() {
    let server = TestServer::builder().worker().start().await;
    let receiver = Receiver::start().await;
    let hook = Hook::create(&server, &receiver.url).await;
    let sent = server.post(&hook.path("/test"), &json!({})).await.expect(202);
    assert_eq!(
        (&sent["type"], &sent["state"], &sent["tenant_id"]),
        (&json!("webhook.test"), &json!("waiting"), &Value::Null)
    );
    let message = receiver.messages(1).await.remove(0);
    assert!(hook.signed(&message) && sent["message_id"] == message.id());
    assert_eq!(message.json()["data"], json!({"webhook_id": hook.id}));
    hook.log_until(&server, |log| log[0]["state"] == "delivered").await;

    receiver.answer(|_, _| status(500));
    server.post(&hook.path("/test"), &json!({})).await.expect(202);
    let log = hook.log_until(&server, |log| log.len() == 2 && log[1]["state"] != "waiting").await;
    assert_eq!(
        (&log[1]["state"], &log[1]["attempts"][0]["status"]),
        (&json!("given_up"), &json!(500))
    );
    assert_eq!(receiver.seen().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_resent_with_the_same_id() {
    let server = TestServer::builder().worker().start().await;
    let receiver = Receiver::start().await;
    let hook = Hook::create(&server, &receiver.url).await;
    server.create_tenant("acme").await;
    switch(&server, "acme", "suspend").await;
    let log = hook
        .log_until(&server, |log| log.first().is_some_and(|item| item["state"] == "delivered"))
        .await;
    let path = hook.path(&format!("/deliveries/{}/resend", log[0]["id"].as_str().unwrap()));
    server.post(&path, &json!({})).await.expect(202);
    let messages = receiver.messages(2).await;
    assert!(messages[0].id() == messages[1].id() && messages[0].body == messages[1].body && hook.signed(&messages[1]));
    hook.log_until(&server, |log| log[0]["attempts"][1]["status"] == 204).await;

    // A delivered message stays delivered, whatever a resend returns. A message that was given up can still be delivered.
    receiver.answer(|_, _| status(500));
    server.post(&path, &json!({})).await.expect(202);
    let log = hook.log_until(&server, |log| log[0]["attempts"][2]["status"] == 500).await;
    assert_eq!(log[0]["state"], "delivered");
    sqlx::query("update webhook_deliveries set state = 'given_up'")
        .execute(&server.pool)
        .await
        .unwrap();
    receiver.answer(|_, _| status(200));
    server.post(&path, &json!({})).await.expect(202);
    let log = hook.log_until(&server, |log| log[0]["state"] == "delivered").await;
    assert_eq!(log[0]["attempts"].as_array().map(Vec::len), Some(4));
}

#[tokio::test]
async fn resending_a_waiting_message_keeps_the_order() {
    let (stage, receiver, hook) = Stage::with(&["acme"]).await;
    receiver.answer(|number, _| status(if number == 1 { 500 } else { 200 }));
    switch(&stage.server, "acme", "suspend").await;
    switch(&stage.server, "acme", "resume").await;
    stage.deliver(&hook).await;
    stage.deliver(&hook).await;
    assert_eq!(receiver.seen().len(), 1);
    let log = hook.log(&stage.server).await;
    let last = hook.path(&format!("/deliveries/{}/resend", log[1]["id"].as_str().unwrap()));
    stage.server.post(&last, &json!({})).await.expect(202);
    stage.deliver(&hook).await;
    assert_eq!(super::told(&receiver.seen()), ["acme suspended", "acme suspended", "acme invited"]);
}

#[tokio::test]
async fn every_change_is_in_the_audit_log() {
    let (stage, _receiver, hook) = Stage::with(&["acme"]).await;
    let server = &stage.server;
    switch(server, "acme", "suspend").await;
    stage.deliver(&hook).await;
    server.post(&hook.path("/rotate-secret"), &json!({})).await.expect(200);
    server.post(&hook.path("/test"), &json!({})).await.expect(202);
    let delivery = hook.log(server).await[0]["id"].as_str().unwrap().to_owned();
    server
        .post(&hook.path(&format!("/deliveries/{delivery}/resend")), &json!({}))
        .await
        .expect(202);
    server.post(&hook.path("/enable"), &json!({})).await.expect(200);
    let gone = || server.send(server.request(Method::DELETE, &hook.path("")));
    assert_eq!((gone().await.status, gone().await.status), (204, 404));
    assert_eq!(server.get(&hook.path("/deliveries")).await.status, 404);

    let events = server.get("/v1/events?limit=1000").await.expect(200);
    let ours: Vec<&Value> = events["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["action"].as_str().unwrap().starts_with("webhook."))
        .collect();
    let actions: Vec<&str> = ours.iter().map(|event| event["action"].as_str().unwrap()).collect();
    assert_eq!(
        actions,
        [
            "webhook.created",
            "webhook.secret_rotated",
            "webhook.tested",
            "webhook.resent",
            "webhook.deleted"
        ]
    );
    for event in ours {
        assert_eq!(
            (&event["detail"]["webhook_id"], &event["actor"]["kind"]),
            (&json!(hook.id), &json!("token")),
            "{event:#}"
        );
        assert!(event["request_id"].is_string());
        assert!(!event.to_string().contains("unguessable"), "{event:#}");
    }
}

#[tokio::test]
async fn a_deleted_webhook_gets_no_messages_and_loses_its_log() {
    let (stage, receiver, hook) = Stage::with(&["acme"]).await;
    let server = &stage.server;
    let kept = Hook::create(server, &receiver.url).await;
    switch(server, "acme", "suspend").await;
    let gone = server.request(Method::DELETE, &hook.path(""));
    assert_eq!(server.send(gone).await.status, 204);
    switch(server, "acme", "resume").await;
    stage.deliver(&hook).await;
    assert!(receiver.seen().is_empty());
    stage.deliver(&kept).await;
    assert_eq!(receiver.seen().len(), 2);

    let count = async |table: &str| -> i64 {
        let sql = sqlx::AssertSqlSafe(format!("select count(*) from {table}"));
        sqlx::query_scalar(sql).fetch_one(&server.pool).await.unwrap()
    };
    assert_eq!(sweep(&stage.context).await.unwrap(), 1);
    assert_eq!((count("webhook_deliveries").await, count("webhooks").await), (2, 2));
    stage.forward(2 * 24 * 60 * 60);
    sweep(&stage.context).await.unwrap();
    assert_eq!(count("webhooks").await, 1);
    assert_eq!(kept.log(server).await.len(), 2);
    let gone = server.request(Method::DELETE, &kept.path(""));
    assert_eq!(server.send(gone).await.status, 204);
    assert_eq!(sweep(&stage.context).await.unwrap(), 2);
    assert_eq!((count("webhook_deliveries").await, count("webhook_attempts").await), (0, 0));
}

/// Erasing an offboarded tenant also erases its data in messages, which stay readable.
#[tokio::test]
async fn erasure_removes_personal_data_from_messages() {
    let (stage, receiver, hook) = Stage::with(&["acme"]).await;
    let server = &stage.server;
    let body = json!({"reason": "Contract ended"});
    let ended = server.request(Method::DELETE, "/v1/tenants/acme").json(&body);
    let tenant = server.send(ended).await.expect(200);
    stage.deliver(&hook).await;
    assert_eq!(receiver.seen()[0].json()["data"]["slug"], "acme");
    sqlx::query("select erase_tenant($1::uuid, now())")
        .bind(tenant["id"].as_str().unwrap())
        .execute(&server.pool)
        .await
        .unwrap();
    let log = hook.log(server).await;
    let path = hook.path(&format!("/deliveries/{}", log[0]["id"].as_str().unwrap()));
    let shown = server.get(&path).await.expect(200);
    let data = &shown["payload"]["data"];
    assert_eq!(
        (&data["slug"], &data["after"], &data["tenant_id"]),
        (&json!("erased"), &json!("offboarded"), &tenant["id"])
    );
}

/// A queue whose job was lost is picked up by the sweep.
#[tokio::test]
async fn an_abandoned_queue_is_resumed() {
    let (stage, _receiver, hook) = Stage::with(&["acme"]).await;
    switch(&stage.server, "acme", "suspend").await;
    let jobs = "select count(*) from graphile_worker._private_jobs where payload::text like '%' || $1 || '%'";
    let jobs = async || -> i64 { sqlx::query_scalar(jobs).bind(&hook.id).fetch_one(&stage.server.pool).await.unwrap() };
    sqlx::query("delete from graphile_worker._private_jobs")
        .execute(&stage.server.pool)
        .await
        .unwrap();
    sweep(&stage.context).await.unwrap();
    assert_eq!(jobs().await, 0, "it is not late yet");
    stage.forward(6 * 60);
    sweep(&stage.context).await.unwrap();
    assert_eq!(jobs().await, 1);
}
