//! Webhooks, from the side of a receiver.

mod delivery;
mod failing;
mod operations;
pub mod receiver;
mod safety;
mod secrets;

use std::sync::Arc;
use std::time::Duration;

use latchkey::domain::ids::WebhookId;
use latchkey::outbound_http::OutboundClient;
use latchkey::service::Context;
use latchkey::service::webhooks::deliver::deliver;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use standardwebhooks::Webhook as Verifier;

use crate::support::clock::ForwardClock;
use crate::support::server::{TIMEOUT, TestServer, outbound_client};
use receiver::{Received, Receiver};

/// A webhook as its owner knows it.
pub struct Hook {
    pub id: String,
    pub secret: String,
}

impl Hook {
    pub async fn create(server: &TestServer, url: &str) -> Self {
        let made = server.post("/v1/webhooks", &json!({"url": url})).await.expect(201);
        Self::of(&made)
    }

    pub fn of(made: &Value) -> Self {
        Self {
            id: made["id"].as_str().expect("an id is text").to_owned(),
            secret: made["secret"].as_str().expect("a secret is text").to_owned(),
        }
    }

    pub fn path(&self, rest: &str) -> String {
        format!("/v1/webhooks/{}{rest}", self.id)
    }

    /// Whether the signature is valid for this secret.
    pub fn signed(&self, message: &Received) -> bool {
        verifies(&self.secret, &message.headers, &message.body)
    }

    /// The log of its deliveries, oldest first.
    pub async fn log(&self, server: &TestServer) -> Vec<Value> {
        let page = server.get(&self.path("/deliveries?limit=200")).await.expect(200);
        let mut items = page["items"].as_array().expect("items are a list").clone();
        items.reverse();
        items
    }

    /// Waits until the log meets a condition.
    pub async fn log_until(&self, server: &TestServer, done: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let looked = async {
            loop {
                let log = self.log(server).await;
                if !log.is_empty() && done(&log) {
                    return log;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(TIMEOUT, looked).await.expect("the log comes to be so")
    }
}

pub fn verifies(secret: &str, headers: &HeaderMap, body: &str) -> bool {
    Verifier::new(secret)
        .expect("the secret is one")
        .verify(body.as_bytes(), headers)
        .is_ok()
}

/// A server whose messages the test itself sends, by its own clock.
pub struct Stage {
    pub server: TestServer,
    pub clock: Arc<ForwardClock>,
    pub context: Context,
    pub outbound_client: OutboundClient,
}

impl Stage {
    pub async fn new() -> Self {
        Self::on(TestServer::start().await)
    }

    pub fn on(server: TestServer) -> Self {
        let clock = Arc::new(ForwardClock::default());
        let context = Context {
            clock: clock.clone(),
            ..server.context.clone()
        };
        Self {
            outbound_client: outbound_client(&context),
            clock,
            context,
            server,
        }
    }

    /// A stage with a receiver, a webhook that leads to it, and tenants.
    pub async fn with(tenants: &[&str]) -> (Self, Receiver, Hook) {
        let stage = Self::new().await;
        let receiver = Receiver::start().await;
        let hook = Hook::create(&stage.server, &receiver.url).await;
        for tenant in tenants {
            stage.server.create_tenant(tenant).await;
        }
        (stage, receiver, hook)
    }

    /// Sends what is due.
    pub async fn deliver(&self, hook: &Hook) {
        let id = WebhookId::parse(&hook.id).expect("the id is one");
        deliver(&self.context, &self.outbound_client, id)
            .await
            .expect("the database answers");
    }

    pub fn forward(&self, seconds: u64) {
        self.clock.forward(Duration::from_secs(seconds));
    }
}

/// Suspends or resumes a tenant.
pub async fn switch(server: &TestServer, tenant: &str, how: &str) {
    let reason = json!({"reason": "Unpaid"});
    server.post(&format!("/v1/tenants/{tenant}/{how}"), &reason).await.expect(200);
}

/// The messages of a receiver in short: whose status became what.
pub fn told(messages: &[Received]) -> Vec<String> {
    let short = |message: &Received| {
        let data = &message.json()["data"];
        format!("{} {}", data["slug"].as_str().unwrap_or("?"), data["after"].as_str().unwrap_or("?"))
    };
    messages.iter().map(short).collect()
}
