//! The cache of credentials, in front of an STS whose answers are recorded.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::join_all;
use latchkey::domain::arn::RoleArn;
use latchkey::domain::token::Role;
use latchkey::domain::vendor::Vendor;
use reqwest::Method;
use serde_json::json;
use tokio::net::TcpListener;

use crate::recorded_aws::{RecordedAws, VENDOR_ROLE, served, sts_error};
use crate::support::seed::Seed;
use crate::support::server::{ApiResponse, TestServer, TestServerBuilder};

/// A server whose STS is recorded: it counts, takes its time, and can be throttled.
struct Recorded {
    server: TestServer,
    token: String,
    calls: Arc<AtomicUsize>,
    throttled: Arc<AtomicBool>,
}

impl Recorded {
    async fn new() -> Self {
        Self::built(TestServer::builder()).await
    }

    async fn built(builder: TestServerBuilder) -> Self {
        let (calls, throttled) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let told = throttled.clone();
        let throttling = move || told.load(Ordering::Relaxed);
        let aws = RecordedAws::but(move |_| throttling().then(|| sts_error(400, "Throttling", "Rate exceeded")));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let router = served::router(aws, Duration::from_millis(100), calls.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let vendor = Vendor {
            direct_role: Some(RoleArn::parse(VENDOR_ROLE).unwrap()),
            ..Vendor::unnamed()
        };
        let server = builder.vendor(vendor).aws_endpoint(&endpoint).start().await;
        Seed::new(&server).active("acme").await;
        let token = server.token_of(Role::Service).await;
        server.settle().await;
        Self {
            server,
            token,
            calls,
            throttled,
        }
    }

    async fn get(&self, query: &str) -> ApiResponse {
        let url = format!("{}/internal/v1/tenants/acme/credentials{query}", self.server.private);
        self.server
            .send_now(self.server.bare(Method::GET, &url).bearer_auth(&self.token))
            .await
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_callers_share_one_sts_call() {
    let recorded = Recorded::new().await;
    let given = join_all((0..500).map(|_| recorded.get(""))).await;
    let first = given[0].body.clone();
    assert!(first["Token"].is_string(), "{first:#}");
    assert!(given.iter().all(|answer| answer.status == 200 && answer.body == first));
    assert_eq!(recorded.calls(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn cached_credentials_are_served_while_sts_throttles() {
    let recorded = Recorded::new().await;
    let given = recorded.get("").await.expect(200);
    recorded.throttled.store(true, Ordering::Relaxed);
    assert_eq!(recorded.get("").await.expect(200), given);
    let others = recorded.get("?access=read").await;
    assert_eq!(
        (others.status, &others.body["type"]),
        (503, &json!("/problems/unavailable")),
        "{:#}",
        others.body
    );
    assert!(others.headers.contains_key("retry-after"));
    assert_eq!(others.headers["cache-control"], "no-store");
    assert_eq!(recorded.get("").await.expect(200), given);
    recorded.throttled.store(false, Ordering::Relaxed);
    recorded.get("?access=read").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_token_cannot_use_up_the_sessions_of_the_others() {
    let recorded = Recorded::built(TestServer::builder().sessions_per_token(2)).await;
    let other = recorded.server.token_of(Role::Service).await;
    recorded.server.settle().await;
    let mut refused = None;
    for number in 0..100 {
        let answer = recorded.get(&format!("?prefix={number}/")).await;
        if answer.status != 200 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("the token's budget is used up");
    assert_eq!(
        (refused.status, &refused.body["type"]),
        (429, &json!("/problems/too-many-requests"))
    );
    assert!(refused.headers.contains_key("retry-after"));
    assert!(recorded.calls() < 100);
    let url = format!("{}/internal/v1/tenants/acme/credentials", recorded.server.private);
    let others = recorded.server.bare(Method::GET, &url).bearer_auth(&other);
    recorded.server.send(others).await.expect(200);
}
