//! Messages that the receiver rejects at first, or always. The clock is the test's, so that days take no time; the test takes the queue's
//! part.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::receiver::{status, with};
use super::{Stage, switch, told};

fn time(value: &Value) -> DateTime<Utc> {
    value.as_str().expect("a time is text").parse().expect("the time is one")
}

#[tokio::test]
async fn a_failing_message_delays_only_its_tenants_messages() {
    let (stage, receiver, hook) = Stage::with(&["acme", "globex"]).await;
    receiver.answer(|number, received| status(if received.body.contains("acme") && number < 4 { 500 } else { 200 }));
    switch(&stage.server, "acme", "suspend").await;
    switch(&stage.server, "acme", "resume").await;
    stage.deliver(&hook).await;
    switch(&stage.server, "globex", "suspend").await;
    stage.deliver(&hook).await;
    assert_eq!(told(&receiver.seen()), ["acme suspended", "globex suspended"]);
    stage.forward(7);
    stage.deliver(&hook).await;
    stage.deliver(&hook).await;
    assert_eq!(
        told(&receiver.seen())[2..],
        ["acme suspended"],
        "and not before its time, and not the next"
    );
    stage.forward(40);
    stage.deliver(&hook).await;
    let messages = receiver.seen();
    assert_eq!(told(&messages)[3..], ["acme suspended", "acme invited"]);

    let (first, second, third) = (&messages[0], &messages[2], &messages[3]);
    assert!(first.id() == second.id() && second.id() == third.id() && first.body == third.body);
    let at = |at: usize| messages[at].header("webhook-timestamp").parse::<i64>().unwrap();
    assert!(at(2) - at(0) >= 7 && at(3) - at(2) >= 40, "the time is the attempt's");
    assert!(hook.signed(first));
    let log = hook.log(&stage.server).await;
    let failures: Vec<&Value> = log[0]["attempts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|attempt| &attempt["failure"])
        .collect();
    assert_eq!(failures, [&json!("status"), &json!("status"), &Value::Null]);
    assert!(log.iter().all(|item| item["state"] == "delivered"), "{log:?}");
}

#[tokio::test]
async fn a_receiver_can_delay_the_next_attempt() {
    let (stage, receiver, hook) = Stage::with(&["acme"]).await;
    receiver.answer(|number, _| {
        if number == 1 {
            with(503, "retry-after", "600")
        } else {
            status(200)
        }
    });
    switch(&stage.server, "acme", "suspend").await;
    stage.deliver(&hook).await;
    let log = hook.log(&stage.server).await;
    let gap = time(&log[0]["next_attempt_at"]) - time(&log[0]["attempts"][0]["started_at"]);
    assert!((600..610).contains(&gap.num_seconds()), "{gap}");
    stage.forward(590);
    stage.deliver(&hook).await;
    assert_eq!(receiver.seen().len(), 1);
    stage.forward(15);
    stage.deliver(&hook).await;
    assert_eq!(hook.log(&stage.server).await[0]["state"], "delivered");
}

#[tokio::test]
async fn a_message_is_given_up_after_a_day() {
    let (stage, receiver, hook) = Stage::with(&["acme"]).await;
    receiver.answer(|_, received| {
        status(if received.body.contains("\"after\":\"suspended\"") {
            500
        } else {
            200
        })
    });
    switch(&stage.server, "acme", "suspend").await;
    switch(&stage.server, "acme", "resume").await;
    let log = loop {
        stage.deliver(&hook).await;
        let log = hook.log(&stage.server).await;
        if log[0]["state"] != "waiting" {
            break log;
        }
        assert!(log[1]["attempts"].as_array().unwrap().is_empty(), "the next one waits");
        let next = time(&log[0]["next_attempt_at"]) - stage.context.clock.now();
        stage.forward(u64::try_from(next.num_seconds() + 1).unwrap_or_default());
    };
    assert_eq!((&log[0]["state"], &log[1]["state"]), (&json!("given_up"), &json!("delivered")));
    let lasted = time(&log[0]["ended_at"]) - time(&log[0]["created_at"]);
    assert!((24 * 60..24 * 60 + 1).contains(&lasted.num_minutes()), "{lasted}");
    let attempts = log[0]["attempts"].as_array().unwrap().len();
    assert!((12..=15).contains(&attempts), "{attempts}");
    assert_eq!(receiver.seen().len(), attempts + 1);
    let shown = stage.server.get(&hook.path("")).await.expect(200);
    assert_eq!(shown["waiting_since"], Value::Null);
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_disabled_until_ops_enable_it() {
    let (stage, receiver, hook) = Stage::with(&["acme", "globex"]).await;
    let server = &stage.server;
    receiver.answer(|_, _| status(410));
    for slug in ["acme", "globex"] {
        switch(server, slug, "suspend").await;
        switch(server, slug, "resume").await;
    }
    stage.deliver(&hook).await;
    let log = hook.log(server).await;
    assert_eq!(log.len(), 4);
    assert!(log.iter().all(|item| item["state"] == "given_up"), "{log:?}");
    assert!(server.get(&hook.path("")).await.expect(200)["disabled_at"].is_string());
    let sent = receiver.seen().len();
    switch(server, "acme", "suspend").await;
    stage.deliver(&hook).await;
    assert_eq!(
        (receiver.seen().len(), hook.log(server).await.len()),
        (sent, 4),
        "it receives nothing anymore"
    );
    for path in [
        hook.path("/test"),
        hook.path(&format!("/deliveries/{}/resend", log[0]["id"].as_str().unwrap())),
    ] {
        assert_eq!(server.post(&path, &json!({})).await.status, 409);
    }

    receiver.answer(|_, _| status(200));
    let enabled = server.post(&hook.path("/enable"), &json!({})).await.expect(200);
    assert_eq!(enabled["disabled_at"], Value::Null);
    switch(server, "acme", "resume").await;
    stage.deliver(&hook).await;
    assert_eq!(told(&receiver.seen())[sent..], ["acme invited"]);
    let events = server.get("/v1/events?limit=1000").await.expect(200);
    let disabled = events["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|event| event["action"] == "webhook.disabled");
    assert_eq!(disabled.expect("it is written down")["actor"], json!({"kind": "system"}));
}

#[tokio::test]
async fn failures_to_connect_are_explained() {
    let stage = Stage::new().await;
    let server = &stage.server;
    server.create_tenant("acme").await;
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = taken.local_addr().unwrap().port();
    drop(taken);
    let plain = super::receiver::Receiver::start().await;
    let mut expected = Vec::new();
    for (url, failure) in [
        (format!("http://127.0.0.1:{closed}/"), "unreachable"),
        (format!("https://127.0.0.1:{}/", plain.port), "tls"),
        ("https://no-such-name.invalid/".to_owned(), "unresolvable"),
    ] {
        expected.push((super::Hook::create(server, &url).await, failure));
    }
    switch(server, "acme", "suspend").await;
    for (hook, failure) in expected {
        stage.deliver(&hook).await;
        let log = hook.log(server).await;
        assert_eq!(
            (&log[0]["state"], &log[0]["attempts"][0]["failure"]),
            (&json!("waiting"), &json!(failure))
        );
        assert_eq!(log[0]["attempts"][0]["status"], Value::Null);
    }
    assert!(plain.seen().is_empty());
}
