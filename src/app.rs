//! Composition: settings into pool, clients, routers and worker. The only place that knows everyone.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;
use tokio::net::TcpListener;
use tower::Service;
use tracing::{error, info};

use crate::clock::{SharedClock, SystemClock};
use crate::cloud::Cloud;
use crate::cloud::aws::{self, AwsCloud};
use crate::domain::retry::RetryPolicy;
use crate::domain::vendor::Vendor;
use crate::domain::webhook;
use crate::http::dashboard::DashboardState;
use crate::http::onboarding::OnboardState;
use crate::http::verification_notifications::VerificationNotifications;
use crate::http::{self, AppParts, AppState};
use crate::identity_provider::{IdentityProvider, IdentityProviderSettings, RefreshTiming, RoleClaim};
use crate::jobs::{self, DeliveryContext, JobContext};
use crate::lifecycle::Lifecycle;
use crate::outbound_http::OutboundClient;
use crate::read_model::ReadModel;
use crate::service::Context;
use crate::service::credential_cache::CredentialCache;
use crate::service::observe::observe;
use crate::settings::{ConfigErrors, ListenSettings, ServerSettings, Settings, WebSettings, WorkerSettings};
use crate::store::{self, migrations};
use crate::telemetry;

/// The settings of a process, checked against each other.
pub struct AppSettings {
    pub database: PgConnectOptions,
    pub database_connections: u32,
    pub vendor: Vendor,
    pub patience: RetryPolicy,
    pub s3_path_style: bool,
    pub webhooks: webhook::WebhookPolicy,
    /// None does not serve HTTP.
    pub serve: Option<ServeSettings>,
    /// None does not run a worker.
    pub worker: Option<WorkerSettings>,
}

/// What a process that serves HTTP needs in addition.
pub struct ServeSettings {
    pub listen: ListenSettings,
    pub web: WebSettings,
    /// How long the last known answers are given while the database is unavailable.
    pub stale_for: Duration,
    /// None accepts only API tokens.
    pub identity_provider: Option<IdentityProviderSettings>,
}

impl AppSettings {
    /// Without `server`, the process is only a worker.
    ///
    /// # Errors
    /// Every rule that the settings break.
    pub fn new(settings: Settings, server: Option<ServerSettings>) -> Result<Self, ConfigErrors> {
        let mut errors = ConfigErrors::default();
        let worker = server.as_ref().is_none_or(|server| !server.no_worker).then_some(settings.worker);
        let database = errors.collect(settings.database.url());
        let vendor = errors.collect(settings.vendor.vendor());
        let serve = server.map(|server| ServeSettings::new(server, &mut errors));
        let (Some(database), Some(vendor), true) = (database, vendor, errors.is_empty()) else {
            return Err(errors);
        };
        Ok(Self {
            database,
            database_connections: settings.database.database_connections,
            vendor,
            patience: RetryPolicy {
                window: settings.aws.propagation_window,
                retry_inconclusive: true,
            },
            s3_path_style: settings.aws.s3_path_style,
            webhooks: settings.webhooks.policy(),
            serve,
            worker,
        })
    }
}

impl ServeSettings {
    fn new(server: ServerSettings, errors: &mut ConfigErrors) -> Self {
        errors.collect(server.listen.check());
        let issuer = errors
            .collect(server.oidc.issuer().map(|issuer| issuer.map(str::to_owned)))
            .flatten();
        Self {
            web: server.web.with_default_url(server.listen.public),
            listen: server.listen,
            stale_for: server.service_api.stale_for,
            identity_provider: issuer.map(|issuer| IdentityProviderSettings {
                issuer,
                audiences: server.oidc.audience,
                roles: RoleClaim {
                    path: server.oidc.roles_claim,
                    mapping: Some(server.oidc.roles).filter(|roles| !roles.is_empty()),
                },
                jwks_url: server.oidc.jwks_url,
                header: server.oidc.header,
                timing: RefreshTiming::default(),
            }),
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error("cannot listen on {address}: {fault}")]
    Listen { address: SocketAddr, fault: std::io::Error },
    #[error(transparent)]
    Migrate(#[from] migrations::MigrationError),
    #[error(transparent)]
    Aws(#[from] aws::NoRegion),
    #[error("cannot create the HTTP client for webhooks: {0}")]
    OutboundClient(reqwest::Error),
    #[error("cannot install signal handlers: {0}")]
    Signals(std::io::Error),
}

pub fn system_clock() -> SharedClock {
    Arc::new(SystemClock)
}

pub fn pool(options: PgConnectOptions, connections: u32) -> PgPool {
    store::connect(options, connections)
}

/// Serves and works until a signal arrives and in-flight work has ended.
///
/// # Errors
/// When an address cannot be listened on, or the schema cannot be brought up to date.
pub async fn run(settings: AppSettings) -> Result<(), RunError> {
    let metrics = telemetry::start_metrics();
    let clock = system_clock();
    let lifecycle = Lifecycle::default();
    lifecycle.spawn(telemetry::upkeep(metrics.clone(), clock.clone(), lifecycle.shutdown()));
    let database = settings.database.clone();
    let pool = pool(settings.database, settings.database_connections);
    let context = Context {
        pool: pool.clone(),
        clock: clock.clone(),
        vendor: Arc::new(settings.vendor),
        patience: settings.patience,
        webhooks: Arc::new(settings.webhooks),
    };
    let aws = aws::AwsSettings {
        s3_path_style: settings.s3_path_style,
    };
    // A process without a worker lives without AWS, and then hands out no credentials.
    let cloud = AwsCloud::connect(aws, clock.clone())
        .await
        .map(|aws| Arc::new(aws) as Arc<dyn Cloud>);

    // Bind first, so that a used address fails at once, before anything changes. The listeners answer before the database does.
    if let Some(serve) = settings.serve {
        let (public, private) = (bind(serve.listen.public).await?, bind(serve.listen.private).await?);
        let live = VerificationNotifications::default();
        lifecycle.spawn(live.clone().listen(pool.clone(), clock.clone(), lifecycle.shutdown()));
        let directory = ReadModel::new(clock.clone(), context.vendor.clone(), serve.stale_for);
        lifecycle.spawn(directory.clone().follow(database, lifecycle.shutdown()));
        lifecycle.spawn(directory.clone().record_token_uses(pool.clone(), lifecycle.shutdown()));
        let credentials = CredentialCache::new(clock.clone(), cloud.as_ref().ok().cloned());
        lifecycle.spawn(credentials.clone().follow(directory.clone(), lifecycle.shutdown()));
        let identity_provider = serve
            .identity_provider
            .map(|settings| IdentityProvider::new(clock.clone(), settings));
        if let Some(provider) = identity_provider.clone() {
            lifecycle.spawn(provider.follow(lifecycle.shutdown()));
        }
        let state = AppState::from(AppParts {
            context: context.clone(),
            live,
            directory: directory.clone(),
            credentials,
            identity_provider,
            metrics,
            stop: lifecycle.shutdown(),
            office: Arc::new(DashboardState::new(&serve.web)),
            desk: Arc::new(OnboardState::new(serve.web)),
        });
        accept(&lifecycle, "public", public, http::public(state.clone()));
        accept(&lifecycle, "private", private, http::private(state));
    }
    let mut ended = pin!(lifecycle.run());
    tokio::select! {
        migrated = migrations::run_when_reachable(&pool, clock.as_ref()) => migrated?,
        result = &mut ended => return result.map_err(RunError::Signals),
    }
    lifecycle.spawn(observe(context.clone(), lifecycle.shutdown()));
    if let Some(worker) = settings.worker {
        let client = OutboundClient::new(context.webhooks.allowed.clone()).map_err(RunError::OutboundClient)?;
        let deliveries = DeliveryContext {
            context: context.clone(),
            client,
        };
        let jobs = JobContext { context, cloud: cloud? };
        let (soft, also, same) = (lifecycle.shutdown(), lifecycle.shutdown(), worker.clone());
        lifecycle.spawn(async move { jobs::work(jobs, &worker, soft).await });
        lifecycle.spawn(async move { jobs::deliver(deliveries, &same, also).await });
    }
    ended.await.map_err(RunError::Signals)?;
    pool.close().await;
    Ok(())
}

async fn bind(address: SocketAddr) -> Result<TcpListener, RunError> {
    TcpListener::bind(address)
        .await
        .map_err(|fault| RunError::Listen { address, fault })
}

fn accept<S>(lifecycle: &Lifecycle, name: &'static str, listener: TcpListener, service: S)
where
    S: Service<Request, Response = Response, Error = Infallible, Future: Send> + Clone + Send + Sync + 'static,
{
    if let Ok(address) = listener.local_addr() {
        info!(%address, "{name} listener ready");
    }
    let soft = lifecycle.shutdown();
    lifecycle.spawn(async move {
        if let Err(fault) = http::server::serve(listener, service, soft.cancelled_owned()).await {
            error!(%fault, "the {name} listener failed");
        }
    });
}
