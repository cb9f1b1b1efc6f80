//! The event stream of a verification.

use serde_json::Value;

use crate::support::aws::{World, apply_templates};
use crate::support::server::TestServer;

/// Id, name and data of each event.
fn parse(stream: &str) -> Vec<(i64, String, Value)> {
    stream
        .split("\n\n")
        .filter(|block| block.contains("event:"))
        .map(|block| {
            let field = |name: &str| {
                let line = block.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
                line.trim().to_owned()
            };
            (
                field("id:").parse().expect("an event has an id"),
                field("event:"),
                serde_json::from_str(&field("data:")).expect("an event's data is JSON"),
            )
        })
        .collect()
}

#[tokio::test]
async fn each_check_is_sent_once_and_a_reader_can_resume() {
    let world = World::new().await;
    let held = crate::support::aws_proxy::HeldRequests::to(&world.endpoint, "GET", "latchkey-probe").await;
    let server = TestServer::builder().aws(&world).aws_endpoint(&held.url).start().await;
    server.create_tenant("acme").await;
    let applied = apply_templates(&world, &server, "acme", "assume_role").await;
    let submitted = server
        .post("/v1/tenants/acme/storage-configs", &applied.submission())
        .await
        .expect(202);
    let path = format!("/v1/verifications/{}/events", submitted["verification"]["id"].as_str().unwrap());
    held.one_is_held().await;
    let mut answer = server.request(reqwest::Method::GET, &path).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let mut text = String::new();
    while !text.contains("event: check") {
        let chunk = answer
            .chunk()
            .await
            .unwrap()
            .expect("the stream goes on while the verification does");
        text.push_str(std::str::from_utf8(&chunk).unwrap());
    }
    assert!(!text.contains("event: finished"), "checks come as they are found");
    held.release();
    text.push_str(&answer.text().await.unwrap());

    let events = parse(&text);
    let ids: Vec<i64> = events.iter().map(|(id, _, _)| *id).collect();
    assert_eq!(ids, (1..=i64::try_from(events.len()).unwrap()).collect::<Vec<_>>());
    assert_eq!(events.first().unwrap().1, "attempt");
    let (_, last, verification) = events.last().unwrap();
    assert_eq!((last.as_str(), &verification["verdict"]), ("finished", &Value::from("verified")));
    let told = events.iter().filter(|(_, name, _)| name == "check").count();
    assert_eq!(told, verification["checks"].as_array().unwrap().len());

    let resumed = server.request(reqwest::Method::GET, &path).header("last-event-id", "5");
    let rest = parse(&resumed.send().await.unwrap().text().await.unwrap());
    assert_eq!(rest.first().unwrap().0, 6);
    assert_eq!(rest.len(), events.len() - 5);
    for beyond in [*ids.last().unwrap(), 1_000] {
        let read_all = server
            .request(reqwest::Method::GET, &path)
            .header("last-event-id", beyond.to_string());
        assert_eq!(read_all.send().await.unwrap().text().await.unwrap(), "", "ends at once");
    }
    let garbage = server.request(reqwest::Method::GET, &path).header("last-event-id", "x");
    assert_eq!(server.send(garbage).await.status, 400);
}
