//! A server of a test's own: both listeners and the worker in this process, on a database of its own.

use std::collections::BTreeSet;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use latchkey::app::{App, HttpParts};
use latchkey::cloud::Cloud;
use latchkey::cloud::aws::{AwsCloud, AwsSettings};
use latchkey::domain::arn::RoleArn;
use latchkey::domain::region::Regions;
use latchkey::domain::retry::RetryPolicy;
use latchkey::domain::token::Role;
use latchkey::domain::vendor::Vendor;
use latchkey::domain::webhook::WebhookPolicy;
use latchkey::domain::webhook::secret::SigningKeys;
use latchkey::domain::webhook::target::AllowedNetworks;
use latchkey::identity_provider;
use latchkey::lifecycle::Lifecycle;
use latchkey::outbound_http::OutboundClient;
use latchkey::read_model::ReadModel;
use latchkey::service::tokens::create_token;
use latchkey::service::{Caller, Context};
use latchkey::settings::{WebSettings, WorkerSettings};
use latchkey::store::{connect, migrations};
use metrics_exporter_prometheus::PrometheusBuilder;
use secrecy::ExposeSecret;
use serde_json::Value;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Executor, PgPool};
use tokio::net::TcpListener;

use crate::aws::{self, World, clock, config, unique};

/// Longer than anything here takes, so that only what hangs fails by it.
pub const PATIENCE: Duration = Duration::from_mins(1);

pub struct Server {
    app: App,
    pub pool: PgPool,
    pub context: Context,
    pub read_model: ReadModel,
    stale_for: Duration,
    pub database_url: String,
    pub private: String,
    pub public: String,
    pub token: String,
    http: reqwest::Client,
}

/// Who stands around a server.
struct Around {
    provider: Option<identity_provider::IdentityProviderSettings>,
    proxies: Vec<ipnet::IpNet>,
    webhooks: WebhookPolicy,
}

impl Default for Around {
    fn default() -> Self {
        Self {
            provider: None,
            proxies: Vec::new(),
            webhooks: policy(),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.app.lifecycle.shutdown().cancel();
    }
}

/// An answer, with what a test asks of it.
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
}

impl Answer {
    /// The body, if the status is the one given.
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{:#}", self.body);
        self.body
    }

    /// Field and code of each error, in order.
    pub fn errors(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let errors = self.body["errors"].as_array().cloned().unwrap_or_default();
        errors.iter().map(|error| (text(&error["field"]), text(&error["code"]))).collect()
    }
}

/// A new database, by its URL.
pub async fn empty_database() -> String {
    empty_database_on(&std::env::var("LATCHKEY_TEST_DATABASE_URL").expect("LATCHKEY_TEST_DATABASE_URL is set by ./dev/test")).await
}

/// The same on another Postgres, by the URL of any of its databases.
pub async fn empty_database_on(url: &str) -> String {
    let name = format!("test_{}", unique());
    let options = PgConnectOptions::from_str(url).expect("the URL is Postgres's");
    let mut root = options.clone().connect().await.expect("Postgres answers");
    root.execute(sqlx::AssertSqlSafe(format!("create database {name}")))
        .await
        .expect("a database is created");
    options.database(&name).to_url_lossy().to_string()
}

pub fn vendor(world: &World) -> Vendor {
    Vendor {
        name: "Example Vendor".into(),
        cloudformation_url: None,
        storage_role: Some(RoleArn::parse(&world.storage_role).expect("the role is one")),
        direct_role: Some(RoleArn::parse(&world.direct_role).expect("the role is one")),
        client_role_prefix: None,
        advisory_checks: BTreeSet::new(),
        posture: false,
        regions: Regions::default(),
    }
}

/// What signing secrets are derived from.
pub const KEY: &str = "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b";

/// Webhooks may lead to what a test listens on.
pub fn policy() -> WebhookPolicy {
    WebhookPolicy {
        keys: SigningKeys::parse(&KEY.into()).expect("the key is one"),
        allowed: AllowedNetworks(vec!["127.0.0.0/8".parse().expect("the network is one")]),
    }
}

pub fn outbound_client(context: &Context) -> OutboundClient {
    OutboundClient::new(context.webhooks.allowed.clone()).expect("TLS is there")
}

impl Server {
    /// A server that reaches AWS where the world is.
    pub async fn start(world: &World) -> Self {
        Self::start_at(world, &world.endpoint).await
    }

    /// A server that reaches AWS through something else.
    pub async fn start_at(world: &World, endpoint: &str) -> Self {
        let settings = AwsSettings { s3_path_style: true };
        let aws = AwsCloud::from_config(&config(endpoint, &world.latchkey).await, settings, clock());
        Self::with(vendor(world), Arc::new(aws)).await
    }

    /// Another process on the same database, which it may reach by another way. It leaves the queue to others.
    pub async fn replica(&self, database_url: &str, world: &World) -> Self {
        self.beside_at(database_url, world, &world.endpoint).await
    }

    /// The same, which reaches AWS through something else too.
    pub async fn beside_at(&self, database_url: &str, world: &World, endpoint: &str) -> Self {
        let settings = AwsSettings { s3_path_style: true };
        let aws = AwsCloud::from_config(&config(endpoint, &world.latchkey).await, settings, clock());
        Self::on(database_url, vendor(world), Some(Arc::new(aws)), self.stale_for, Around::default()).await
    }

    /// A server that leaves the queue to others, with a vendor and an AWS of its own.
    pub async fn idle_at(vendor: Vendor, endpoint: &str) -> Self {
        let keys = aws::Keys {
            id: "AKIAPROCESS".into(),
            secret: "secret".into(),
        };
        let aws = AwsCloud::from_config(&config(endpoint, &keys).await, AwsSettings { s3_path_style: true }, clock());
        Self::serving(vendor, Some(Arc::new(aws))).await
    }

    /// Another process with its own idea of how long an answer may be stale.
    pub async fn idle_with(database_url: &str, world: &World, stale_for: Duration) -> Self {
        Self::on(database_url, vendor(world), None, stale_for, Around::default()).await
    }

    /// A server that leaves the queue to others.
    pub async fn start_idle(world: &World) -> Self {
        Self::serving(vendor(world), None).await
    }

    /// The same with its own idea of webhooks.
    pub async fn start_idle_with(world: &World, webhooks: WebhookPolicy) -> Self {
        let around = Around {
            webhooks,
            ..Around::default()
        };
        Self::surrounded(vendor(world), None, around).await
    }

    pub async fn with(vendor: Vendor, cloud: Arc<dyn Cloud>) -> Self {
        let server = Self::serving(vendor, Some(cloud.clone())).await;
        let worker = WorkerSettings {
            concurrency: 4,
            lost_after: Duration::from_mins(1),
            shutdown_grace: Duration::from_secs(1),
        };
        server.app.work(cloud, worker).expect("a client for webhooks is made");
        server
    }

    async fn serving(vendor: Vendor, cloud: Option<Arc<dyn Cloud>>) -> Self {
        Self::surrounded(vendor, cloud, Around::default()).await
    }

    /// A server that leaves the queue to others, and believes this identity provider.
    pub async fn trusting(world: &World, provider: identity_provider::IdentityProviderSettings) -> Self {
        let around = Around {
            provider: Some(provider),
            ..Around::default()
        };
        Self::surrounded(vendor(world), None, around).await
    }

    /// A server that leaves the queue to others, behind proxies of that network.
    pub async fn behind(world: &World, proxies: &str) -> Self {
        let around = Around {
            proxies: vec![proxies.parse().expect("it is a network")],
            ..Around::default()
        };
        Self::surrounded(vendor(world), None, around).await
    }

    async fn surrounded(vendor: Vendor, cloud: Option<Arc<dyn Cloud>>, around: Around) -> Self {
        Self::on(&empty_database().await, vendor, cloud, Duration::from_hours(24), around).await
    }

    async fn on(database_url: &str, vendor: Vendor, cloud: Option<Arc<dyn Cloud>>, stale_for: Duration, around: Around) -> Self {
        let pool = connect(PgConnectOptions::from_str(database_url).expect("the URL is Postgres's"), 8);
        migrations::run(&pool).await.expect("the schema is made");
        let context = Context {
            pool: pool.clone(),
            clock: clock(),
            vendor: Arc::new(vendor),
            retry_policy: RetryPolicy::NONE,
            webhooks: Arc::new(around.webhooks),
        };
        let (_, token) = create_token(&context, &Caller::operator(), "test", Role::Ops, None)
            .await
            .expect("a token is made");
        let ((public_url, public), (private_url, private)) = (listen().await, listen().await);
        let mut web = WebSettings::unbranded(Some(public_url.parse().expect("the URL is one")));
        web.trusted_proxies = around.proxies;
        let app = App {
            context: context.clone(),
            cloud,
            metrics: PrometheusBuilder::new().build_recorder().handle(),
            lifecycle: Lifecycle::default(),
        };
        let state = app.serve(HttpParts {
            public,
            private,
            web,
            stale_for,
            identity_provider: around.provider,
        });
        let read_model = state.read_model.clone();
        read_model
            .watch()
            .wait_for(Option::is_some)
            .await
            .expect("the read model is loaded");
        Self {
            app,
            pool,
            context,
            read_model,
            stale_for,
            database_url: database_url.to_owned(),
            private: private_url,
            public: public_url,
            token: token.expose_secret().to_owned(),
            http: reqwest::Client::new(),
        }
    }

    /// Once internal services are answered by all that was committed so far.
    pub async fn settle(&self) {
        let head: i64 = sqlx::query_scalar("select config_changes from change_counters")
            .fetch_one(&self.pool)
            .await
            .expect("the feed has a head");
        let reached = async { self.read_model.watch().wait_for(|at| at.is_some_and(|at| at >= head)).await.is_ok() };
        let settled = tokio::time::timeout(PATIENCE, reached).await;
        assert_eq!(settled, Ok(true), "the feed is followed");
    }

    pub async fn token_of(&self, role: Role) -> String {
        let (_, token) = create_token(&self.context, &Caller::operator(), "test", role, None)
            .await
            .expect("a token is made");
        token.expose_secret().to_owned()
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(reqwest::Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(reqwest::Method::POST, path).json(body)).await
    }

    /// A request with the token of ops, to be changed before it is sent.
    pub fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.private))
            .bearer_auth(&self.token)
    }

    /// A request with no token, to any of the listeners.
    pub fn bare(&self, method: reqwest::Method, url: &str) -> reqwest::RequestBuilder {
        self.http.request(method, url)
    }

    /// What internal services ask is asked once all that was committed so far is known.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let asked = request.try_clone().and_then(|request| request.build().ok());
        if asked.is_some_and(|request| request.url().path().starts_with("/internal/")) {
            self.settle().await;
        }
        self.send_now(request).await
    }

    pub async fn send_now(&self, request: reqwest::RequestBuilder) -> Answer {
        let answer = request.send().await.expect("the server answers");
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await.expect("the answer is whole");
        Answer {
            status,
            headers,
            body: serde_json::from_str(&text).unwrap_or(Value::String(text)),
        }
    }

    pub async fn create_tenant(&self, slug: &str) -> Value {
        let body = serde_json::json!({"slug": slug, "name": slug});
        self.post("/v1/tenants", &body).await.expect(201)
    }

    /// Submits, and waits for the verification to end.
    pub async fn submit(&self, slug: &str, submission: &Value) -> Value {
        let submitted = self
            .post(&format!("/v1/tenants/{slug}/storage-configs"), submission)
            .await
            .expect(202);
        self.finished(&submitted["verification"]["id"]).await
    }

    /// Verifies again, and waits for the end.
    pub async fn verify(&self, slug: &str) -> Value {
        let asked = self
            .post(&format!("/v1/tenants/{slug}/verifications"), &serde_json::json!({}))
            .await
            .expect(202);
        self.finished(&asked["id"]).await
    }

    /// The verification, once it has ended: its event stream ends then.
    pub async fn finished(&self, id: &Value) -> Value {
        let id = id.as_str().expect("an id is text");
        let stream = self.request(reqwest::Method::GET, &format!("/v1/verifications/{id}/events")).send();
        let read = async { stream.await.expect("the stream begins").text().await.expect("the stream ends") };
        tokio::time::timeout(PATIENCE, read).await.expect("the verification ends");
        let verification = self.get(&format!("/v1/verifications/{id}")).await.expect(200);
        assert_eq!(verification["state"], "finished", "{verification:#}");
        verification
    }

    pub async fn status(&self, slug: &str) -> Value {
        self.get(&format!("/v1/tenants/{slug}")).await.expect(200)["status"].clone()
    }
}

/// Names of the checks of that status.
pub fn checks(verification: &Value, status: &str) -> Vec<String> {
    let checks = verification["checks"].as_array().expect("checks are a list");
    let named = checks.iter().filter(|check| check["status"] == status);
    named
        .map(|check| check["name"].as_str().expect("a check has a name").to_owned())
        .collect()
}

/// The check of that name.
pub fn check<'a>(verification: &'a Value, name: &str) -> &'a Value {
    let checks = verification["checks"].as_array().expect("checks are a list");
    checks.iter().find(|check| check["name"] == name).expect("the check is there")
}

/// A listener on a free port, and its URL.
async fn listen() -> (String, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("the listener has an address");
    (format!("http://{address}"), listener)
}
