//! Replicas whose hosts disagree about the time behave as one: what they compare is the database's time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::BoxFuture;
use latchkey::clock::{Clock, SystemClock};
use latchkey::database_clock::DatabaseClock;
use serde_json::json;

use crate::support::pages;
use crate::support::server::TestServer;

/// A host's clock that is wrong.
struct WrongClock(TimeDelta);

impl Clock for WrongClock {
    fn now(&self) -> DateTime<Utc> {
        SystemClock.now() + self.0
    }
    fn instant(&self) -> Instant {
        SystemClock.instant()
    }
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        SystemClock.sleep(duration)
    }
    fn fill_random(&self, buffer: &mut [u8]) {
        SystemClock.fill_random(buffer);
    }
}

/// A replica whose host is ahead by so many hours.
async fn ahead(server: &TestServer, hours: i64) -> TestServer {
    let clock = DatabaseClock::new(Arc::new(WrongClock(TimeDelta::hours(hours))));
    clock.synchronize(&server.pool).await.expect("the database says the time");
    server.replica().clock(clock).start().await
}

#[tokio::test]
async fn hosts_two_hours_apart_agree_on_the_time() {
    let server = TestServer::start().await;
    let (early, late) = (ahead(&server, -2).await, ahead(&server, 2).await);
    let database: DateTime<Utc> = sqlx::query_scalar("select clock_timestamp()")
        .fetch_one(&server.pool)
        .await
        .unwrap();
    for replica in [&early, &late] {
        let difference = (replica.context.clock.now() - database).abs();
        assert!(difference < TimeDelta::seconds(30), "{difference}");
    }
}

#[tokio::test]
async fn replicas_two_hours_apart_behave_as_one() {
    let server = TestServer::start().await;
    let (early, late) = (ahead(&server, -2).await, ahead(&server, 2).await);
    early.create_tenant("acme").await;
    // An invite of an hour, which by the other host's clock has long expired.
    let invite = early
        .post("/v1/tenants/acme/invites", &json!({"expires_in_hours": 1}))
        .await
        .expect(201);
    let link = invite["url"]
        .as_str()
        .expect("a link")
        .rsplit_once('/')
        .expect("a token at its end")
        .1
        .to_owned();
    let opened = pages::read(pages::client().get(format!("{}/onboard/{link}", late.public))).await;
    assert_eq!(opened.status, 303, "{}", opened.html);
    for (replica, action) in [(&late, "suspend"), (&early, "resume"), (&late, "suspend")] {
        replica
            .post(&format!("/v1/tenants/acme/{action}"), &json!({"reason": "a test"}))
            .await
            .expect(200);
    }
    let events = server.get("/v1/events?tenant=acme").await.expect(200);
    let times: Vec<DateTime<Utc>> = events["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["at"].as_str().unwrap().parse().unwrap())
        .collect();
    assert!(times.len() >= 5, "{events:#}");
    assert!(times.is_sorted(), "in the order of the changes: {times:?}");
}
