//! What the requested paths name: a tenant with everything it can have, a webhook and a token.

use latchkey::domain::audit::Actor;
use latchkey::domain::ids::{InviteId, TenantRef};
use latchkey::domain::token::{Role, TokenLifetime};
use latchkey::service::mail::contacts::{self, ContactFields};
use latchkey::service::mail::send::claim;
use latchkey::service::tokens::create_limited_token;
use latchkey::service::{Caller, Context};
use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use uuid::Uuid;

use super::requests::is_decision;
use crate::support::pages::{client, read};
use crate::support::seed::Seed;
use crate::support::server::TestServer;

pub struct Subject {
    pub tenant: Tenant,
    pub webhook: Webhook,
    /// The ID of a campaign, which can be ended more than once.
    pub campaign: String,
    /// The ID of a token that nobody uses.
    pub token: String,
    /// The slug of a tenant that does not exist yet.
    pub new_slug: String,
    /// The path of the last change that was made.
    changed_by: String,
}

/// What happened to a tenant after it became active.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TenantState {
    Active,
    Suspended,
    Offboarded,
    /// Its next external ID was issued.
    IdIssued,
    /// Its next external ID came into use.
    IdInUse,
    /// A newer version was rejected.
    Rejected,
    /// A newer version waits for an approval.
    Pending,
}

pub struct Tenant {
    state: TenantState,
    pub id: Uuid,
    pub slug: String,
    pub verification: String,
    pub invite: String,
    /// The secret in the invite's link.
    pub link: String,
    /// The invite's API token.
    pub program: String,
    /// The session of a browser that opened the link.
    pub session: String,
    pub people: People,
    /// What only those may see who may see this tenant.
    pub marks: Vec<String>,
    /// A token of a service that may read this tenant alone.
    pub service: String,
}

/// The tenant's contacts, and the secrets in the links that were mailed to one of them.
pub struct People {
    pub unconfirmed: String,
    /// Entered by the customer, and confirmed.
    pub confirmed: String,
    pub confirm: String,
    pub stop: String,
}

pub struct Webhook {
    pub id: String,
    pub delivery: String,
}

impl Subject {
    pub async fn create(server: &TestServer, admin: &str) -> Self {
        Self {
            tenant: Tenant::create(server, TenantState::Active).await,
            webhook: Webhook::create(server).await,
            campaign: text(&server.post("/v1/campaigns", &json!({"message": "Routes"})).await.expect(201)["id"]),
            token: create_token(server, admin).await,
            new_slug: new_slug(server),
            changed_by: String::new(),
        }
    }

    /// Gives the next request to this path what it requires. Only what changed is created again.
    pub async fn prepare(&mut self, server: &TestServer, admin: &str, path: &str) {
        let changed = std::mem::take(&mut self.changed_by);
        let state = TenantState::required_by(path);
        let is_by_customer = ["/onboard", "/mail", "/customer"].iter().any(|start| changed.starts_with(start));
        if changed.contains("{tenant}") || is_by_customer || self.tenant.state != state {
            self.tenant = Tenant::create(server, state).await;
        }
        if changed.contains("/webhooks/") {
            // Their number is limited.
            let old = server.request(Method::DELETE, &format!("/v1/webhooks/{}", self.webhook.id));
            server.send(old).await;
            self.webhook = Webhook::create(server).await;
        }
        if changed.contains("/tokens/") {
            self.token = create_token(server, admin).await;
        }
        self.new_slug = new_slug(server);
    }

    /// A request to this path was answered.
    pub fn change(&mut self, path: &str) {
        path.clone_into(&mut self.changed_by);
    }
}

impl TenantState {
    /// The state in which a request to this path can be answered.
    fn required_by(path: &str) -> Self {
        match path.rsplit('/').next().unwrap_or_default() {
            "resume" => Self::Suspended,
            "erase" | "personal-data" => Self::Offboarded,
            "abandon" | "next" => Self::IdIssued,
            "end-previous" | "previous" => Self::IdInUse,
            "message" => Self::Rejected,
            _ if is_decision(path) => Self::Pending,
            _ => Self::Active,
        }
    }

    async fn reach(self, seed: &Seed, tenant: Uuid) {
        match self {
            Self::Active => {}
            Self::Suspended => seed.suspend(tenant).await,
            Self::Offboarded => seed.offboard(tenant).await,
            Self::IdIssued => {
                seed.try_issue(tenant).await.expect("an external ID is issued");
            }
            Self::IdInUse => {
                let (next, verification) = seed.try_issue(tenant).await.expect("an external ID is issued");
                seed.try_verify(verification, &next).await.expect("the verification runs");
            }
            Self::Rejected => {
                let (_, verification) = seed.try_submit(tenant).await.expect("the config is submitted");
                let wrong = "lk-0000000000000000000000000000000000000000".parse().expect("an external ID");
                seed.try_verify(verification, &wrong).await.expect("the verification runs");
            }
            Self::Pending => {
                seed.submit_in(tenant, "333333333333").await;
            }
        }
    }
}

impl Tenant {
    pub async fn create(server: &TestServer, state: TenantState) -> Self {
        let seed = Seed::new(server);
        let slug = new_slug(server);
        let id = seed.active(&slug).await;
        let invite = server
            .post(&format!("/v1/tenants/{slug}/invites"), &json!({"api_token": true}))
            .await
            .expect(201);
        let verifications = server.get(&format!("/v1/tenants/{slug}/verifications")).await.expect(200);
        let bucket = server.get(&format!("/v1/tenants/{slug}/storage-configs/1")).await.expect(200)["bucket_arn"].clone();
        let (id_of_invite, url) = (text(&invite["id"]), text(&invite["url"]));
        read(client().get(&url)).await;
        let sessions = server
            .get(&format!("/v1/tenants/{slug}/invites/{id_of_invite}/sessions"))
            .await
            .expect(200);
        let invite_id = InviteId::parse(&id_of_invite).expect("an ID");
        let people = People::create(server, id, invite_id).await;
        let external_id = seed.find(id).await.external_id.to_string();
        let service = service_token(server, id).await;
        state.reach(&seed, id).await;
        Self {
            state,
            verification: text(&verifications["items"][0]["id"]),
            invite: id_of_invite,
            session: text(&sessions["items"][0]["id"]),
            program: text(&invite["api_token"]),
            link: url.rsplit('/').next().expect("a link has a secret").to_owned(),
            people,
            marks: vec![id.to_string(), external_id, text(&bucket)],
            service,
            id,
            slug,
        }
    }
}

/// A token of a service that may read this tenant alone.
pub async fn service_token(server: &TestServer, tenant: Uuid) -> String {
    let (caller, tenants) = (Caller::operator(), [TenantRef::Id(tenant.into())]);
    let created = create_limited_token(
        &server.context,
        &caller,
        "service",
        Role::Service,
        TokenLifetime::Default,
        Some(&tenants),
    );
    created.await.expect("a token is created").1.expose_secret().to_owned()
}

impl People {
    async fn create(server: &TestServer, tenant: Uuid, invite: InviteId) -> Self {
        let tenant = TenantRef::Id(tenant.into());
        let fields = |name: &str| ContactFields {
            name: Some(name.to_owned()),
            email: Some(format!("{name}-{}@acme.example", server.context.clock.uuid().simple())),
            ..ContactFields::default()
        };
        // One that was not asked yet, because mail was off.
        let silent = Context {
            mail: None,
            ..server.context.clone()
        };
        let unconfirmed = contacts::add(&silent, &Caller::operator(), &tenant, &fields("unconfirmed")).await;
        let customer = Caller::new(Actor::Invite {
            id: invite,
            api_token: None,
        });
        let confirmed = contacts::add(&server.context, &customer, &tenant, &fields("confirmed"))
            .await
            .expect("a contact");
        let asked: Uuid = sqlx::query_scalar("select id from mails where contact_id = $1")
            .bind(confirmed.id.as_uuid())
            .fetch_one(&server.pool)
            .await
            .expect("the address is asked");
        let claimed = claim(&server.context, asked.into())
            .await
            .expect("the mail is claimed")
            .expect("it is due");
        let letter = claimed.letter.expect("mail is on").text;
        let secret = |path: &str| {
            let link = letter.lines().find(|line| line.contains(path)).expect("a link");
            link.rsplit('/').next().expect("a secret").to_owned()
        };
        let people = Self {
            unconfirmed: unconfirmed.expect("a contact").id.to_string(),
            confirmed: confirmed.id.to_string(),
            confirm: secret("/mail/confirm/"),
            stop: secret("/mail/stop/"),
        };
        let confirm = server.bare(Method::POST, &format!("{}/mail/confirm/{}", server.public, people.confirm));
        assert_eq!(confirm.send().await.expect("the server answers").status(), 200);
        people
    }
}

impl Webhook {
    async fn create(server: &TestServer) -> Self {
        let created = server.post("/v1/webhooks", &json!({"url": "https://127.0.0.1/"})).await.expect(201);
        let id = text(&created["id"]);
        let delivery = server.post(&format!("/v1/webhooks/{id}/test"), &json!({})).await.expect(202);
        let delivery = text(&delivery["id"]);
        Self { id, delivery }
    }
}

async fn create_token(server: &TestServer, admin: &str) -> String {
    let request = server
        .bare(Method::POST, &format!("{}/v1/tokens", server.private))
        .bearer_auth(admin);
    let created = server
        .send(request.json(&json!({"name": "unused", "role": "viewer"})))
        .await
        .expect(201);
    text(&created["id"])
}

fn new_slug(server: &TestServer) -> String {
    format!("t-{}", server.context.clock.uuid().simple())
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}
