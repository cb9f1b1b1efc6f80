//! A Latchkey of a test's own: both listeners and the worker in this process, on a database of its own.

use std::collections::BTreeSet;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use latchkey::app::{App, HttpParts};
use latchkey::cloud::Cloud;
use latchkey::cloud::aws::{AwsCloud, AwsOptions};
use latchkey::domain::access_level::AccessLevel;
use latchkey::domain::approval::ApprovalPolicy;
use latchkey::domain::arn::RoleArn;
use latchkey::domain::extra_action::ExtraActions;
use latchkey::domain::limits::{Limits, Retention};
use latchkey::domain::mail::MailPolicy;
use latchkey::domain::region::Regions;
use latchkey::domain::retry::RetryPolicy;
use latchkey::domain::reverification::budget::{CallRates, Calls};
use latchkey::domain::reverification::schedule::Schedule;
use latchkey::domain::token::{Role, TokenLifetime};
use latchkey::domain::vendor::Vendor;
use latchkey::domain::vendor_network::VendorNetwork;
use latchkey::domain::webhook::WebhookPolicy;
use latchkey::domain::webhook::secret::SigningKeys;
use latchkey::domain::webhook::target::AllowedNetworks;
use latchkey::http::server::Listener;
use latchkey::http::{self, AppState, ListedRoutes};
use latchkey::identity_provider::IdentityProviderSettings;
use latchkey::lifecycle::Lifecycle;
use latchkey::outbound_http::OutboundClient;
use latchkey::outbound_mail::Mailer;
use latchkey::read_model::ReadModel;
use latchkey::service::credential_cache::{CredentialPolicy, SessionRates};
use latchkey::service::document_versions::IssuedDocuments;
use latchkey::service::issuances::IssuanceLog;
use latchkey::service::tokens::create_token;
use latchkey::service::{Caller, Context, Pools};
use latchkey::settings::{WebSettings, WorkerSettings};
use latchkey::store::{connect, migrations};
use metrics_exporter_prometheus::PrometheusBuilder;
use secrecy::ExposeSecret;
use serde_json::Value;
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;
use tokio::net::TcpListener;

use super::aws::{AwsAccess, World, sdk_config};
use latchkey::clock::SharedClock;

use super::clock::clock;
use super::database::migrated_database;
use super::relay::FROM;

/// Longer than any step takes, so only a hang reaches it.
pub const TIMEOUT: Duration = Duration::from_mins(1);

/// What webhook signing secrets are derived from.
pub const SIGNING_KEY: &str = "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b";

pub struct TestServer {
    app: App,
    state: AppState,
    pub pool: PgPool,
    pub context: Context,
    pub read_model: ReadModel,
    pub issuances: IssuanceLog,
    pub database_url: String,
    /// URL of the private listener.
    pub private: String,
    /// URL of the public listener.
    pub public: String,
    /// A token with the role `ops`.
    pub token: String,
    http: reqwest::Client,
}

/// How a server is set up: by default with Postgres alone, without AWS and without a worker.
pub struct TestServerBuilder {
    database_url: Option<String>,
    access: AwsAccess,
    outside: Option<String>,
    cloud: Option<Arc<dyn Cloud>>,
    vendor: Option<Vendor>,
    network: Option<VendorNetwork>,
    allow_own_account: bool,
    approval: ApprovalPolicy,
    reaches_aws: bool,
    worker: bool,
    concurrency: usize,
    stale_for: Duration,
    credentials: CredentialPolicy,
    webhooks: WebhookPolicy,
    mailer: Option<Mailer>,
    limits: Limits,
    schedule: Schedule,
    rates: CallRates,
    trusted_proxies: Vec<ipnet::IpNet>,
    identity_provider: Option<IdentityProviderSettings>,
    clock: SharedClock,
}

impl Default for TestServerBuilder {
    fn default() -> Self {
        Self {
            database_url: None,
            access: AwsAccess::none(),
            outside: None,
            cloud: None,
            vendor: None,
            network: None,
            allow_own_account: false,
            approval: ApprovalPolicy::default(),
            reaches_aws: false,
            worker: false,
            concurrency: 4,
            stale_for: Duration::from_hours(24),
            credentials: CredentialPolicy {
                rates: SessionRates {
                    process: 1000,
                    token: 1000,
                },
                stale_for: Duration::from_mins(5),
            },
            webhooks: webhook_policy(),
            mailer: None,
            limits: Limits::NONE,
            schedule: Schedule::OFF,
            rates: CallRates(Calls {
                sts: 100_000,
                kms: 100_000,
                s3: 100_000,
            }),
            trusted_proxies: Vec::new(),
            identity_provider: None,
            clock: clock(),
        }
    }
}

impl TestServerBuilder {
    /// A database that exists. Without this, the server creates one of its own.
    pub fn database_url(mut self, url: &str) -> Self {
        self.database_url = Some(url.to_owned());
        self
    }

    /// Acts as the world's vendor, and runs a worker.
    pub fn aws(mut self, world: &World) -> Self {
        self.access = world.access();
        self.reaches_aws = true;
        self.worker = true;
        self
    }

    pub fn approval(mut self, policy: ApprovalPolicy) -> Self {
        self.approval = policy;
        self
    }

    /// Uses another AWS endpoint than the world's.
    pub fn aws_endpoint(mut self, url: &str) -> Self {
        url.clone_into(&mut self.access.endpoint);
        self.reaches_aws = true;
        self
    }

    /// The vendor's network, which customers restrict its access to.
    pub fn network(mut self, network: VendorNetwork) -> Self {
        self.network = Some(network);
        self
    }

    /// The AWS endpoint from outside of it.
    pub fn outside(mut self, url: &str) -> Self {
        self.outside = Some(url.to_owned());
        self
    }

    /// Calls this instead of AWS, and runs a worker.
    pub fn cloud(mut self, cloud: Arc<dyn Cloud>) -> Self {
        self.cloud = Some(cloud);
        self.worker = true;
        self
    }

    /// Runs a worker. By default, its AWS calls get no answer.
    pub fn worker(mut self) -> Self {
        self.reaches_aws = true;
        self.worker = true;
        self
    }

    pub fn vendor(mut self, vendor: Vendor) -> Self {
        self.vendor = Some(vendor);
        self
    }

    /// Accepts storage in the vendor's own account.
    pub fn allow_own_account(mut self) -> Self {
        self.allow_own_account = true;
        self
    }

    /// How many verifications the worker works on at once.
    pub fn concurrency(mut self, permits: usize) -> Self {
        self.concurrency = permits;
        self
    }

    /// Runs no worker.
    pub fn without_worker(mut self) -> Self {
        self.worker = false;
        self
    }

    pub fn clock(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    /// How long the last known answers are given while the database is unavailable.
    pub fn stale_for(mut self, duration: Duration) -> Self {
        self.stale_for = duration;
        self
    }

    /// How long new sessions are made while the database is unavailable.
    pub fn credentials_stale_for(mut self, duration: Duration) -> Self {
        self.credentials.stale_for = duration;
        self
    }

    /// How many new sessions per second a token can cause.
    pub fn sessions_per_token(mut self, number: u32) -> Self {
        self.credentials.rates.token = number;
        self
    }

    pub fn webhooks(mut self, policy: WebhookPolicy) -> Self {
        self.webhooks = policy;
        self
    }

    /// Turns mail on.
    pub fn mail(mut self, mailer: Mailer) -> Self {
        self.mailer = Some(mailer);
        self
    }

    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    pub fn schedule(mut self, schedule: Schedule) -> Self {
        self.schedule = schedule;
        self
    }

    pub fn rates(mut self, rates: CallRates) -> Self {
        self.rates = rates;
        self
    }

    pub fn trusted_proxies(mut self, network: &str) -> Self {
        self.trusted_proxies = vec![network.parse().expect("a network")];
        self
    }

    pub fn identity_provider(mut self, settings: IdentityProviderSettings) -> Self {
        self.identity_provider = Some(settings);
        self
    }

    pub async fn start(self) -> TestServer {
        // Boxed, so that it does not become part of every test's future.
        Box::pin(self.build()).await
    }

    async fn build(self) -> TestServer {
        let database_url = match self.database_url {
            Some(url) => url,
            None => migrated_database().await,
        };
        let pool = connect(PgConnectOptions::from_str(&database_url).expect("a URL of Postgres"), 8);
        migrations::run(&pool).await.expect("migrations run");
        let cloud = match self.cloud {
            None if self.reaches_aws => {
                let settings = AwsOptions { s3_path_style: true };
                let aws = AwsCloud::from_config(&sdk_config(&self.access.endpoint, &self.access.keys).await, settings, clock());
                let aws = match &self.outside {
                    Some(endpoint) => aws.with_outside(AwsCloud::from_config(
                        &sdk_config(endpoint, &self.access.keys).await,
                        settings,
                        clock(),
                    )),
                    None => aws,
                };
                Some(Arc::new(aws) as Arc<dyn Cloud>)
            }
            cloud => cloud,
        };
        let vendor = self.vendor.unwrap_or_else(|| vendor(&self.access));
        let vendor = Arc::new(Vendor {
            allow_own_account: self.allow_own_account,
            approval: self.approval,
            network: self.network.or(vendor.network),
            ..vendor
        });
        let ((public_url, public), (private_url, private)) = (listen().await, listen().await);
        let context = Context {
            pool: pool.clone(),
            clock: self.clock,
            catalogue: vendor.catalogue_fingerprint().into(),
            documents: Arc::new(IssuedDocuments::of(&vendor)),
            vendor,
            retry_policy: RetryPolicy::NONE,
            lease: Duration::from_secs(30),
            webhooks: Arc::new(self.webhooks),
            mail: self.mailer.as_ref().map(|_| Arc::new(mail_policy(&public_url))),
            limits: self.limits,
            retention: Retention::default(),
            schedule: self.schedule,
            rates: self.rates,
            credentials_stale_for: self.credentials.stale_for,
        };
        let unlimited = Context {
            limits: Limits::NONE,
            ..context.clone()
        };
        let (_, token) = create_token(&unlimited, &Caller::operator(), "test", Role::Ops, TokenLifetime::Never)
            .await
            .expect("a token is created");

        let mut web = WebSettings::unbranded(Some(public_url.parse().expect("a URL")));
        web.trusted_proxies = self.trusted_proxies;
        let app = App {
            context: context.clone(),
            pools: Pools::undivided(&pool),
            cloud: cloud.clone(),
            mailer: self.mailer,
            metrics: PrometheusBuilder::new().build_recorder().handle(),
            lifecycle: Lifecycle::default(),
        };
        let state = app.serve(HttpParts {
            public: Listener::new("public", public),
            private: Listener::new("private", private),
            web,
            stale_for: self.stale_for,
            credentials: self.credentials,
            identity_provider: self.identity_provider,
        });
        if self.worker {
            let worker = WorkerSettings {
                concurrency: self.concurrency,
                lost_after: Duration::from_mins(1),
                shutdown_grace: Duration::from_secs(1),
            };
            let cloud = cloud.expect("a worker needs AWS");
            app.work(cloud, worker).expect("an HTTP client for webhooks");
        }
        let (read_model, issuances) = (state.read_model.clone(), state.issuances.clone());
        read_model.watch().wait_for(Option::is_some).await.expect("the read model loads");
        TestServer {
            app,
            state,
            pool,
            context,
            read_model,
            issuances,
            database_url,
            private: private_url,
            public: public_url,
            token: token.expose_secret().to_owned(),
            http: reqwest::Client::new(),
        }
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.app.lifecycle.shutdown().cancel();
    }
}

/// A response of the API.
pub struct ApiResponse {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
}

impl ApiResponse {
    /// The body. Panics if the status is another.
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

/// A vendor with both roles.
fn vendor(access: &AwsAccess) -> Vendor {
    Vendor {
        name: "Example Vendor".into(),
        cloudformation_url: None,
        storage_role: Some(RoleArn::parse(&access.storage_role).expect("the ARN of a role")),
        direct_role: Some(RoleArn::parse(&access.direct_role).expect("the ARN of a role")),
        client_role_prefix: None,
        advisory_checks: BTreeSet::new(),
        posture: false,
        extra: ExtraActions::default(),
        allow_own_account: false,
        approval: ApprovalPolicy::default(),
        network: None,
        regions: Regions::default(),
        levels: vec![AccessLevel::ReadWrite, AccessLevel::Read],
    }
}

/// Allows webhooks to the loopback addresses on which tests listen.
pub fn webhook_policy() -> WebhookPolicy {
    WebhookPolicy {
        keys: SigningKeys::parse(&SIGNING_KEY.into()).expect("the key is one"),
        allowed: AllowedNetworks(vec!["127.0.0.0/8".parse().expect("the network is one")]),
    }
}

/// Mail from the tests' sender, with links to this URL.
fn mail_policy(public_url: &str) -> MailPolicy {
    MailPolicy {
        from: FROM.parse().expect("a sender"),
        links: public_url.parse().expect("a URL"),
    }
}

pub fn outbound_client(context: &Context) -> OutboundClient {
    OutboundClient::new(context.webhooks.allowed.clone()).expect("TLS is there")
}

impl TestServer {
    pub fn builder() -> TestServerBuilder {
        TestServerBuilder::default()
    }

    /// A server that needs Postgres alone.
    pub async fn start() -> Self {
        Self::builder().start().await
    }

    /// Another process on the same database, without a worker.
    pub fn replica(&self) -> TestServerBuilder {
        Self::builder().database_url(&self.database_url)
    }

    /// The routes of both listeners.
    pub fn routes(&self) -> ListedRoutes {
        http::routes(&self.state)
    }

    /// Waits until internal services see everything that was committed so far.
    pub async fn settle(&self) {
        let head: i64 = sqlx::query_scalar("select config_changes from change_counters")
            .fetch_one(&self.pool)
            .await
            .expect("the feed has a head");
        let reached = async { self.read_model.watch().wait_for(|at| at.is_some_and(|at| at >= head)).await.is_ok() };
        let settled = tokio::time::timeout(TIMEOUT, reached).await;
        assert_eq!(settled, Ok(true), "the feed is followed");
    }

    pub async fn token_of(&self, role: Role) -> String {
        let unlimited = Context {
            limits: Limits::NONE,
            ..self.context.clone()
        };
        let (_, token) = create_token(&unlimited, &Caller::operator(), "test", role, TokenLifetime::Never)
            .await
            .expect("a token is made");
        token.expose_secret().to_owned()
    }

    pub async fn get(&self, path: &str) -> ApiResponse {
        self.send(self.request(reqwest::Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> ApiResponse {
        self.send(self.request(reqwest::Method::POST, path).json(body)).await
    }

    /// A request with the token of `ops`.
    pub fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.private))
            .bearer_auth(&self.token)
    }

    /// A request without a token, to either listener.
    pub fn bare(&self, method: reqwest::Method, url: &str) -> reqwest::RequestBuilder {
        self.http.request(method, url)
    }

    /// Sends a request. One of an internal service is sent once the read model has everything that was committed so far.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> ApiResponse {
        let copy = request.try_clone().and_then(|request| request.build().ok());
        if copy.is_some_and(|request| request.url().path().starts_with("/internal/")) {
            self.settle().await;
        }
        self.send_now(request).await
    }

    pub async fn send_now(&self, request: reqwest::RequestBuilder) -> ApiResponse {
        let response = request.send().await.expect("the server answers");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.expect("the response is complete");
        ApiResponse {
            status,
            headers,
            body: serde_json::from_str(&text).unwrap_or(Value::String(text)),
        }
    }

    pub async fn create_tenant(&self, slug: &str) -> Value {
        let body = serde_json::json!({"slug": slug, "name": slug});
        self.post("/v1/tenants", &body).await.expect(201)
    }

    /// Submits a config and waits for its verification to end.
    pub async fn submit(&self, slug: &str, submission: &Value) -> Value {
        let submitted = self
            .post(&format!("/v1/tenants/{slug}/storage-configs"), submission)
            .await
            .expect(202);
        self.finished(&submitted["verification"]["id"]).await
    }

    /// Requests a verification and waits for its end.
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
        tokio::time::timeout(TIMEOUT, read).await.expect("the verification ends");
        let verification = self.get(&format!("/v1/verifications/{id}")).await.expect(200);
        assert_eq!(verification["state"], "finished", "{verification:#}");
        verification
    }

    pub async fn status(&self, slug: &str) -> Value {
        self.get(&format!("/v1/tenants/{slug}")).await.expect(200)["status"].clone()
    }
}

/// The names of the checks with this status.
pub fn checks(verification: &Value, status: &str) -> Vec<String> {
    let checks = verification["checks"].as_array().expect("checks are a list");
    let named = checks.iter().filter(|check| check["status"] == status);
    named
        .map(|check| check["name"].as_str().expect("a check has a name").to_owned())
        .collect()
}

/// The check with this name.
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
