//! How many event streams a reader may have, and how long.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use latchkey::clock::{Clock, SystemClock};
use latchkey::domain::token::Role;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::support::pages;
use crate::support::seed::Seed;
use crate::support::server::{TIMEOUT, TestServer};

/// A server without a worker, and the path of the events of a verification that waits for one.
async fn waiting() -> (TestServer, String) {
    waiting_on(TestServer::start().await).await
}

async fn waiting_on(server: TestServer) -> (TestServer, String) {
    let seed = Seed::new(&server);
    let tenant = seed.tenant("acme").await;
    let (_, verification) = seed.try_submit(tenant).await.expect("the config is submitted");
    (server, format!("/v1/verifications/{verification}/events"))
}

/// Opens streams until one is refused, and gives the number of open ones and the refusal. Then one ends, and there is room.
async fn fill(most: usize, open: impl AsyncFn() -> Response) -> Response {
    let mut streams = Vec::new();
    for _ in 0..most {
        let stream = open().await;
        assert_eq!(stream.status(), StatusCode::OK);
        streams.push(stream);
    }
    let refused = open().await;
    streams.pop();
    let room = async { while open().await.status() != StatusCode::OK {} };
    tokio::time::timeout(TIMEOUT, room).await.expect("there is room again");
    refused
}

#[tokio::test]
async fn an_identity_has_32_streams_at_most() {
    let (server, path) = waiting().await;
    let refused = fill(32, async || server.request(Method::GET, &path).send().await.unwrap()).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers()["retry-after"], "10");
    let problem: Value = refused.json().await.unwrap();
    assert_eq!(problem["type"], "/problems/too-many-requests");
}

#[tokio::test]
async fn an_invite_has_8_streams_at_most() {
    let (server, _) = waiting().await;
    let made = server.post("/v1/tenants/acme/invites", &json!({})).await.expect(201);
    let opened = pages::read(pages::client().get(made["url"].as_str().unwrap())).await;
    let cookie = opened.headers["set-cookie"].to_str().unwrap();
    let cookie = cookie.split_once(';').unwrap().0.to_owned();
    let url = format!("{}/onboard/verify/events", server.public);
    let refused = fill(8, async || {
        let request = server.bare(Method::GET, &url).header("cookie", &cookie);
        request.send().await.unwrap()
    })
    .await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers()["retry-after"], "10");
    let another = server.request(Method::GET, "/v1/tenants").send().await.unwrap();
    assert_eq!(another.status(), StatusCode::OK, "nobody else is refused");
}

/// The longest duration of a stream.
const LONGEST: Duration = Duration::from_mins(2);

/// The system's clock, except that the longest duration passes when the test says so.
struct StreamClock(watch::Receiver<bool>);

impl Clock for StreamClock {
    fn now(&self) -> DateTime<Utc> {
        SystemClock.now()
    }

    fn instant(&self) -> Instant {
        SystemClock.instant()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        if duration != LONGEST {
            return SystemClock.sleep(duration);
        }
        let mut passed = self.0.clone();
        Box::pin(async move {
            passed.wait_for(|passed| *passed).await.expect("the test decides");
        })
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        SystemClock.fill_random(buffer);
    }
}

#[tokio::test]
async fn a_stream_ends_and_its_reader_is_authenticated_again() {
    let (pass, passed) = watch::channel(false);
    let (server, path) = waiting_on(TestServer::builder().clock(Arc::new(StreamClock(passed))).start().await).await;
    let viewer = server.token_of(Role::Viewer).await;
    let open = || {
        server
            .bare(Method::GET, &format!("{}{path}", server.private))
            .bearer_auth(&viewer)
            .send()
    };
    let stream = open().await.unwrap();
    assert_eq!(stream.status(), StatusCode::OK);
    sqlx::query("update tokens set revoked_at = now() where role = 'viewer'")
        .execute(&server.pool)
        .await
        .unwrap();
    pass.send_replace(true);
    tokio::time::timeout(TIMEOUT, stream.text())
        .await
        .expect("the stream ends")
        .expect("it is complete");
    assert_eq!(open().await.unwrap().status(), StatusCode::UNAUTHORIZED);
}
