//! Deliveries that succeed, made by the queue.

use latchkey::service::webhooks::deliver::deliver;
use serde_json::{Value, json};

use super::receiver::{Receiver, status};
use super::{Hook, Stage, switch, told};
use crate::support::aws::{AwsAccess, World, apply_templates};
use crate::support::process::Process;
use crate::support::server::{SIGNING_KEY, TestServer};

#[tokio::test]
async fn a_webhook_gets_the_events_it_subscribed_to() {
    let stage = Stage::new().await;
    let (server, receiver) = (&stage.server, Receiver::start().await);
    let wanted = json!({"url": receiver.url, "events": ["verification.finished"]});
    let hook = Hook::of(&server.post("/v1/webhooks", &wanted).await.expect(201));
    server.create_tenant("acme").await;
    let submission = json!({
        "mode": "direct", "bucket_arn": "arn:aws:s3:::acme", "bucket_region": "eu-central-1",
        "key_arn": "arn:aws:kms:eu-central-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    });
    let path = "/v1/tenants/acme/storage-configs";
    let first = server.post(path, &submission).await.expect(202);
    server.post(path, &submission).await.expect(202);
    stage.deliver(&hook).await;
    let messages = receiver.seen();
    assert_eq!(messages.len(), 1);
    let data = messages[0].json()["data"].clone();
    assert_eq!(
        (&data["verification_id"], &data["verdict"], &data["version"]),
        (&first["verification"]["id"], &json!("superseded"), &json!(1))
    );
}

#[tokio::test]
async fn a_change_that_is_rolled_back_sends_no_message() {
    let (stage, receiver, hook) = Stage::with(&["acme"]).await;
    let refuse = "create function refuse() returns trigger language plpgsql as $$ begin raise exception 'lost'; end $$;
                  create trigger refuse before insert on audit_events for each row execute function refuse()";
    sqlx::raw_sql(refuse).execute(&stage.server.pool).await.unwrap();
    let refused = stage.server.post("/v1/tenants/acme/suspend", &json!({"reason": "Unpaid"})).await;
    assert_eq!(refused.status, 500);
    stage.deliver(&hook).await;
    assert!(receiver.seen().is_empty() && hook.log(&stage.server).await.is_empty());
}

/// The database rejects the record of the attempt, as if the process had died after the receiver responded.
#[tokio::test]
async fn an_unrecorded_attempt_is_repeated_with_the_same_id() {
    let (stage, receiver, hook) = Stage::with(&["acme"]).await;
    switch(&stage.server, "acme", "suspend").await;
    let refuse = "create function refuse() returns trigger language plpgsql as $$ begin raise exception 'lost'; end $$;
                  create trigger refuse before update on webhook_attempts for each row execute function refuse()";
    sqlx::raw_sql(refuse).execute(&stage.server.pool).await.unwrap();
    let id = latchkey::domain::ids::WebhookId::parse(&hook.id).unwrap();
    assert!(deliver(&stage.context, &stage.outbound_client, id).await.is_err());
    assert_eq!(receiver.seen().len(), 1);
    sqlx::raw_sql("drop trigger refuse on webhook_attempts")
        .execute(&stage.server.pool)
        .await
        .unwrap();

    stage.deliver(&hook).await;
    assert_eq!(receiver.seen().len(), 1, "the one that was lost may still be at it");
    stage.forward(31);
    stage.deliver(&hook).await;
    let messages = receiver.seen();
    assert_eq!(messages.len(), 2);
    assert_eq!((messages[0].id(), &messages[0].body), (messages[1].id(), &messages[1].body));
    let log = hook.log(&stage.server).await;
    assert_eq!((log.len(), &log[0]["state"]), (1, &json!("delivered")));
    let attempts = &log[0]["attempts"];
    assert_eq!(attempts.as_array().map(Vec::len), Some(2));
    assert_eq!((&attempts[0]["duration_ms"], &attempts[1]["status"]), (&Value::Null, &json!(204)));
}

/// A process is killed while it waits for the receiver. Another process sends the message again once the queue is
/// due.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_survives_the_process_that_was_sending_it() {
    let server = TestServer::start().await;
    let receiver = Receiver::start().await;
    let hook = Hook::create(&server, &receiver.url).await;
    server.create_tenant("acme").await;
    let settings = [
        ("LATCHKEY_WEBHOOK_KEY", SIGNING_KEY),
        ("LATCHKEY_WEBHOOK_ALLOW", "127.0.0.0/8"),
        ("LATCHKEY_WORKER_LOST_AFTER", "1s"),
    ];
    receiver.hang();
    let lost = Process::serve(&AwsAccess::none(), &server.database_url, &settings).await;
    switch(&server, "acme", "suspend").await;
    receiver.messages(1).await;
    lost.kill();
    receiver.answer(|_, _| status(204));
    let over = "update webhook_queues set due_at = now() where due_at is not null";
    sqlx::query(over).execute(&server.pool).await.unwrap();
    let _other = Process::serve(&AwsAccess::none(), &server.database_url, &settings).await;
    let messages = receiver.messages(2).await;
    assert_eq!((messages[0].id(), &messages[0].body), (messages[1].id(), &messages[1].body));
    let log = hook
        .log_until(&server, |log| log.iter().all(|item| item["state"] == "delivered"))
        .await;
    assert_eq!((log.len(), log[0]["attempts"].as_array().map(Vec::len)), (1, Some(2)));
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_arrive_in_order_for_each_tenant() {
    let server = TestServer::builder().worker().start().await;
    let receiver = Receiver::start().await;
    let hook = Hook::create(&server, &receiver.url).await;
    let slugs: Vec<String> = (0..6).map(|number| format!("tenant-{number}")).collect();
    for slug in &slugs {
        server.create_tenant(slug).await;
    }
    let changes = slugs.iter().map(|slug| async {
        for how in ["suspend", "resume", "suspend", "resume"] {
            switch(&server, slug, how).await;
        }
    });
    futures::future::join_all(changes).await;
    let log = hook
        .log_until(&server, |log| {
            log.len() == 24 && log.iter().all(|item| item["state"] == "delivered")
        })
        .await;
    assert!(log.iter().all(|item| item["attempts"].as_array().map(Vec::len) == Some(1)));
    let all = told(&receiver.seen());
    for slug in &slugs {
        let own: Vec<&String> = all.iter().filter(|told| told.starts_with(&format!("{slug} "))).collect();
        let expected = ["suspended", "invited", "suspended", "invited"].map(|status| format!("{slug} {status}"));
        assert_eq!(own, expected.iter().collect::<Vec<_>>());
    }
}

mod tests_with_aws {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn messages_are_signed_and_in_order() {
        let world = World::new().await;
        let server = TestServer::builder().aws(&world).start().await;
        let receiver = Receiver::start().await;
        let hook = Hook::create(&server, &receiver.url).await;
        let tenant = server.create_tenant("acme").await;
        let applied = apply_templates(&world, &server, "acme", "assume_role").await;
        let verification = server.submit("acme", &applied.submission()).await;
        assert_eq!(verification["verdict"], "verified");
        switch(&server, "acme", "suspend").await;
        let reason = json!({"reason": "Contract ended"});
        let ended = server.request(reqwest::Method::DELETE, "/v1/tenants/acme").json(&reason);
        server.send(ended).await.expect(200);

        let messages = receiver.messages(6).await;
        let types: Vec<Value> = messages.iter().map(|message| message.json()["type"].clone()).collect();
        let change = "tenant.status_changed";
        assert_eq!(
            types,
            [change, "verification.finished", "storage_config.activated", change, change, change]
        );
        assert_eq!(
            told(&messages),
            [
                "acme verifying",
                "acme ?",
                "acme ?",
                "acme active",
                "acme suspended",
                "acme offboarded"
            ]
        );
        for message in &messages {
            assert!(hook.signed(message), "{message:?}");
            assert_eq!(message.header("content-type"), "application/json");
            assert_eq!(message.path, "/in?code=unguessable");
            let body = message.json();
            let members: Vec<&String> = body.as_object().unwrap().keys().collect();
            assert_eq!(members, ["type", "timestamp", "data"]);
        }
        let finished = &messages[1].json()["data"];
        for (member, value) in [
            ("tenant_id", &tenant["id"]),
            ("verification_id", &verification["id"]),
            ("version", &json!(1)),
            ("trigger", &json!("submission")),
            ("verdict", &json!("verified")),
            ("failing_checks", &json!([])),
            ("at", &verification["finished_at"]),
        ] {
            assert_eq!(&finished[member], value, "{member}");
        }
        let log = hook
            .log_until(&server, |log| log.iter().all(|item| item["state"] == "delivered"))
            .await;
        assert_eq!(log.len(), 6);
        for (item, message) in log.iter().zip(&messages) {
            assert_eq!(item["message_id"], message.id());
            assert_eq!(
                (&item["attempts"][0]["status"], &item["attempts"][0]["failure"]),
                (&json!(204), &Value::Null)
            );
            assert!(item["attempts"][0]["duration_ms"].is_i64() && item["next_attempt_at"].is_null());
        }
        let one = server
            .get(&hook.path(&format!("/deliveries/{}", log[1]["id"].as_str().unwrap())))
            .await;
        assert_eq!(one.expect(200)["payload"], messages[1].json());
    }

    /// A slow receiver delays neither other webhooks' messages nor verifications.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_slow_receiver_does_not_delay_others() {
        let world = World::new().await;
        let server = TestServer::builder().aws(&world).start().await;
        let (slow, quick) = (Receiver::start().await, Receiver::start().await);
        slow.hang();
        let (stuck, fine) = (Hook::create(&server, &slow.url).await, Hook::create(&server, &quick.url).await);
        for slug in ["acme", "globex", "initech", "umbrella", "hooli", "stark"] {
            server.create_tenant(slug).await;
            switch(&server, slug, "suspend").await;
        }
        slow.messages(1).await;
        switch(&server, "acme", "resume").await;
        quick.messages(7).await;
        let applied = apply_templates(&world, &server, "acme", "direct").await;
        assert_eq!(server.submit("acme", &applied.submission()).await["verdict"], "verified");
        quick.messages(10).await;
        fine.log_until(&server, |log| log.iter().all(|item| item["state"] == "delivered"))
            .await;
        let waiting = stuck.log(&server).await;
        assert!(!waiting.is_empty());
        assert!(waiting.iter().all(|item| item["state"] == "waiting"), "{waiting:?}");
    }
}
