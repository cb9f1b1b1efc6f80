//! Mail to the contacts of tenants, with an SMTP relay of the tests' own.

mod campaigns;
mod contacts;
mod delivery;
mod links;
mod notices;
mod pages;

use std::sync::Arc;
use std::time::Duration;

use latchkey::outbound_mail::Mailer;
use latchkey::service::Context;
use latchkey::service::mail::send::send;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::clock::AheadClock;
use crate::support::relay::{ReceivedMail, TestRelay};
use crate::support::seed::Seed;
use crate::support::server::{TestServer, TestServerBuilder};

pub const DAY: Duration = Duration::from_hours(24);

/// A server with mail and without a worker: tests send what is due.
pub struct Stage {
    pub server: TestServer,
    pub context: Context,
    pub relay: TestRelay,
    pub mailer: Mailer,
    pub clock: Arc<AheadClock>,
    pub seed: Seed,
}

impl Stage {
    pub async fn new() -> Self {
        Self::with(|builder| builder).await
    }

    pub async fn with(more: impl FnOnce(TestServerBuilder) -> TestServerBuilder) -> Self {
        let (relay, clock) = (TestRelay::start().await, Arc::new(AheadClock::default()));
        let mailer = relay.mailer();
        let builder = TestServer::builder().mail(mailer.clone()).clock(clock.clone());
        let server = more(builder).start().await;
        Self {
            context: server.context.clone(),
            seed: Seed::new(&server),
            server,
            relay,
            mailer,
            clock,
        }
    }

    /// A tenant that has submitted nothing.
    pub async fn tenant(&self, slug: &str) -> Uuid {
        self.seed.tenant(slug).await
    }

    pub async fn add(&self, slug: &str, email: &str) -> Value {
        let body = json!({"name": "Jo Miller", "email": email});
        self.server.post(&format!("/v1/tenants/{slug}/contacts"), &body).await.expect(201)
    }

    /// Tries to send every mail that waits. Those that are not due are left alone.
    pub async fn deliver(&self) {
        self.deliver_with(&self.mailer).await;
    }

    pub async fn deliver_with(&self, mailer: &Mailer) {
        for id in self.waiting().await {
            send(&self.context, Some(mailer), id.into()).await.expect("the attempt is recorded");
        }
    }

    pub async fn waiting(&self) -> Vec<Uuid> {
        sqlx::query_scalar("select id from mails where ended_at is null order by created_at, id")
            .fetch_all(&self.server.pool)
            .await
            .expect("mails are read")
    }

    /// A contact that has confirmed its address.
    pub async fn confirmed(&self, slug: &str, email: &str) -> String {
        let contact = self.add(slug, email).await;
        self.deliver().await;
        let mails = self.relay.seen();
        let mail = mails.iter().rev().find(|mail| mail.to == email).expect("the address is asked");
        self.post(&mail.link("/mail/confirm/")).await;
        contact["id"].as_str().expect("an ID").to_owned()
    }

    pub async fn post(&self, url: &str) {
        let answer = self.server.bare(Method::POST, url).send().await.expect("the server answers");
        assert_eq!(answer.status(), 200, "{url}");
    }

    pub async fn contact(&self, slug: &str, id: &str) -> Value {
        self.server.get(&format!("/v1/tenants/{slug}/contacts/{id}")).await.expect(200)
    }

    /// The tenant's mails, newest first.
    pub async fn messages(&self, slug: &str) -> Vec<Value> {
        let listed = self.server.get(&format!("/v1/tenants/{slug}/messages")).await.expect(200);
        listed["items"].as_array().expect("a list").clone()
    }

    /// The latest message of this kind.
    pub async fn message(&self, slug: &str, kind: &str) -> Value {
        let messages = self.messages(slug).await;
        messages
            .iter()
            .find(|message| message["kind"] == kind)
            .unwrap_or_else(|| panic!("{kind} in {messages:#?}"))
            .clone()
    }

    pub async fn count(&self, slug: &str, kind: &str) -> usize {
        self.messages(slug).await.iter().filter(|message| message["kind"] == kind).count()
    }

    /// Sends what is due, and returns the last mail.
    pub async fn next(&self) -> ReceivedMail {
        let before = self.relay.seen().len();
        self.deliver().await;
        let seen = self.relay.seen();
        assert_eq!(seen.len(), before + 1, "one mail is sent: {:?}", self.messages_of_all().await);
        seen.last().expect("a mail").clone()
    }

    async fn messages_of_all(&self) -> Vec<(String, String, Option<String>)> {
        sqlx::query_as("select kind, state, fault from mails order by created_at")
            .fetch_all(&self.server.pool)
            .await
            .expect("mails are read")
    }

    /// Everything that is stored about contacts, mails, invites, the audit log and jobs.
    pub async fn stored(&self) -> String {
        let rows: Vec<String> = sqlx::query_scalar(
            "select row_to_json(t)::text from contacts t union all select row_to_json(t)::text from mails t
             union all select row_to_json(t)::text from contact_links t union all select row_to_json(t)::text from invites t
             union all select row_to_json(t)::text from audit_events t union all select row_to_json(t)::text from idempotency_keys t
             union all select row_to_json(t)::text from graphile_worker._private_jobs t",
        )
        .fetch_all(&self.server.pool)
        .await
        .expect("everything is read");
        rows.join("\n")
    }
}
