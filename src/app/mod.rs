//! Composition: builds the application from its parts, and runs it with the settings of a process.

mod settings;

use std::convert::Infallible;
use std::fmt::{self, Debug, Formatter};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use metrics_exporter_prometheus::PrometheusHandle;
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;
use tokio::net::TcpListener;
use tower::Service;
use tracing::{info, warn};

use crate::clock::{SharedClock, SystemClock};
use crate::cloud::Cloud;
use crate::cloud::aws::{self, AwsCloud};
use crate::database_clock::DatabaseClock;
use crate::http::dashboard::DashboardState;
use crate::http::onboarding::OnboardState;
use crate::http::server::tls::{Tls, TlsReloader};
use crate::http::server::{ConnectionLimits, HandshakeRates, Listener, descriptors};
use crate::http::verification_stream::VerificationStreams;
use crate::http::{self, AppParts, AppState};
use crate::identity_provider::{IdentityProvider, IdentityProviderSettings};
use crate::jobs::{self, DeliveryContext, JobContext, VerificationPermits};
use crate::lifecycle::Lifecycle;
use crate::outbound_http::OutboundClient;
use crate::outbound_mail::Mailer;
use crate::read_model::ReadModel;
use crate::service::Context;
use crate::service::credential_cache::{CredentialCache, CredentialPolicy};
use crate::service::document_versions::IssuedDocuments;
use crate::service::issuances::IssuanceLog;
use crate::service::observe::observe;
use crate::service::process_presence::ProcessPresence;
use crate::service::reverify::incidents::IncidentWatch;
use crate::service::reverify::pacing;
use crate::service::reverify::{BudgetError, Reverifier, fits_budget};
use crate::service::verification_notifications::VerificationNotifications;
use crate::settings::{WebSettings, WorkerSettings};
use crate::store::history::{self, AuditRetention};
use crate::store::{self, Pools, grants, migrations};
use crate::telemetry;

pub use settings::{AppSettings, ServeSettings};

/// The timeout of closing the connections to Postgres at the end.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(500);

/// The application. Composed in the same way for the process and for tests. Its parts run until the lifecycle's shutdown.
pub struct App {
    /// With the private pool.
    pub context: Context,
    pub pools: Pools,
    /// None in a process that cannot reach AWS, which issues no credentials.
    pub cloud: Option<Arc<dyn Cloud>>,
    /// None if mail is off.
    pub mailer: Option<Mailer>,
    pub metrics: PrometheusHandle,
    pub lifecycle: Lifecycle,
}

/// The additional parts of a process that serves HTTP.
#[derive(Debug)]
pub struct HttpParts {
    pub public: Listener,
    pub private: Listener,
    pub web: WebSettings,
    /// How long the last known answers are served while the database is unavailable.
    pub stale_for: Duration,
    pub credentials: CredentialPolicy,
    /// If None, only API tokens are accepted.
    pub identity_provider: Option<IdentityProviderSettings>,
}

#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error("cannot listen on {address}: {fault}")]
    Listen { address: SocketAddr, fault: std::io::Error },
    #[error(transparent)]
    Migrate(#[from] migrations::MigrationError),
    #[error(transparent)]
    Aws(#[from] aws::ConnectError),
    #[error(transparent)]
    Budget(#[from] BudgetError),
    #[error("cannot create the HTTP client for webhooks: {0}")]
    OutboundClient(#[from] reqwest::Error),
    #[error("cannot install signal handlers: {0}")]
    Signals(std::io::Error),
}

impl App {
    /// Serves both listeners. They respond before the database does.
    pub fn serve(&self, parts: HttpParts) -> AppState {
        let (context, shutdown) = (&self.context, || self.lifecycle.shutdown());
        let (clock, pool) = (&context.clock, &context.pool);

        let notifications = VerificationNotifications::default();
        let database = pool.connect_options().as_ref().clone();
        self.lifecycle
            .spawn(notifications.clone().listen(database.clone(), clock.clone(), shutdown()));
        let presence = ProcessPresence::default();
        // Outside the lifecycle, because it outlasts the requests that finish during a shutdown.
        tokio::spawn(presence.clone().hold(database.clone(), clock.clone()));
        let read_model = ReadModel::new(clock.clone(), context.vendor.clone(), parts.stale_for);
        self.lifecycle.spawn(read_model.clone().follow(database, shutdown()));
        self.lifecycle.spawn(read_model.clone().record_token_uses(pool.clone(), shutdown()));
        let credentials = CredentialCache::new(clock.clone(), self.cloud.clone(), parts.credentials, context.vendor.extra.clone());
        self.lifecycle.spawn(credentials.clone().follow(read_model.clone(), shutdown()));
        self.lifecycle
            .spawn(pacing::count_credentials(context.clone(), credentials.clone(), shutdown()));
        let issuances = IssuanceLog::new(context.clone());
        self.lifecycle.spawn(issuances.clone().write_periodically(shutdown()));
        let identity_provider = parts
            .identity_provider
            .map(|settings| IdentityProvider::new(clock.clone(), settings));
        if let Some(provider) = identity_provider.clone() {
            self.lifecycle.spawn(provider.follow(shutdown()));
        }

        let state = AppState::from(AppParts {
            context: context.clone(),
            pools: self.pools.clone(),
            streams: VerificationStreams::new(context.clone(), notifications),
            read_model,
            credentials,
            issuances,
            reports: Arc::default(),
            identity_provider,
            metrics: self.metrics.clone(),
            presence,
            shutdown: shutdown(),
            dashboard: Arc::new(DashboardState::new(&parts.web, parts.private.tls.is_some())),
            limits: Arc::default(),
            onboarding: Arc::new(OnboardState::new(parts.web)),
        });
        let public = self.context.with_pool(self.pools.public.clone());
        self.accept(parts.public, http::public(state.with_context(public)));
        self.accept(parts.private, http::private(state.clone()));
        state
    }

    /// Runs the workers of the queue.
    ///
    /// # Errors
    /// When the HTTP client for webhooks cannot be created.
    pub fn work(&self, cloud: Arc<dyn Cloud>, settings: WorkerSettings) -> reqwest::Result<()> {
        let context = self.context.with_pool(self.pools.worker.clone());
        let deliveries = DeliveryContext {
            context: context.clone(),
            client: OutboundClient::new(self.context.webhooks.allowed.clone())?,
            mailer: self.mailer.clone(),
        };
        let jobs = JobContext {
            context,
            cloud,
            permits: VerificationPermits::new(settings.concurrency),
        };
        let incidents = IncidentWatch::default();
        self.lifecycle
            .spawn(incidents.clone().follow(jobs.context.clone(), self.lifecycle.shutdown()));
        let reverifier = Reverifier {
            incidents,
            context: jobs.context.clone(),
            cloud: jobs.cloud.clone(),
            stop: self.lifecycle.shutdown(),
        };
        self.lifecycle
            .spawn(jobs::reverify(reverifier, settings.concurrency, self.lifecycle.shutdown()));
        let (shutdown, worker) = (self.lifecycle.shutdown(), settings.clone());
        self.lifecycle.spawn(async move { jobs::work(jobs, &worker, shutdown).await });
        let shutdown = self.lifecycle.shutdown();
        self.lifecycle
            .spawn(async move { Box::pin(jobs::deliver(deliveries, &settings, shutdown)).await });
        Ok(())
    }

    fn accept<S>(&self, listener: Listener, service: S)
    where
        S: Service<Request, Response = Response, Error = Infallible, Future: Send> + Clone + Send + Sync + 'static,
    {
        if let Ok(address) = listener.socket.local_addr() {
            info!(%address, "{} listener ready", listener.name);
        }
        let shutdown = self.lifecycle.shutdown().cancelled_owned();
        self.lifecycle.spawn(http::server::serve(listener, service, shutdown));
    }
}

impl Debug for App {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").finish_non_exhaustive()
    }
}

pub fn system_clock() -> SharedClock {
    Arc::new(SystemClock)
}

pub fn pool(options: PgConnectOptions, connections: u32) -> PgPool {
    store::connect(options, connections)
}

/// Serves and works until a signal arrives and work in progress has finished.
///
/// # Errors
/// When an address cannot be bound, or the schema cannot be migrated.
pub async fn run(settings: AppSettings) -> Result<(), RunError> {
    let metrics = telemetry::start_metrics();
    let warnings = settings.warnings();
    let database_clock = DatabaseClock::new(system_clock());
    let clock: SharedClock = database_clock.clone();
    let (serves, works) = (settings.serve.is_some(), settings.worker.is_some());
    let pools = Pools::connect(&settings.database, settings.database_connections, serves, works);
    let aws = aws::AwsOptions {
        s3_path_style: settings.s3_path_style,
    };
    // Only a worker needs AWS.
    let cloud = AwsCloud::connect(aws, settings.outside_proxy.as_ref(), clock.clone())
        .await
        .map(|aws| Arc::new(aws) as Arc<dyn Cloud>);
    let (mail_policy, mailer) = settings.mail.map(|(policy, mailer)| (Arc::new(policy), mailer)).unzip();
    let app = App {
        context: Context {
            pool: pools.private.clone(),
            clock: clock.clone(),
            catalogue: settings.vendor.catalogue_fingerprint().into(),
            documents: Arc::new(IssuedDocuments::of(&settings.vendor)),
            vendor: Arc::new(settings.vendor),
            retry_policy: settings.retry_policy,
            lease: settings.lease,
            webhooks: Arc::new(settings.webhooks),
            mail: mail_policy,
            limits: settings.limits,
            retention: settings.retention,
            schedule: settings.schedule,
            rates: settings.rates,
            credentials_stale_for: settings.serve.as_ref().map_or(Duration::ZERO, |serve| serve.credentials.stale_for),
        },
        mailer,
        pools: pools.clone(),
        cloud: cloud.as_ref().ok().cloned(),
        metrics: metrics.clone(),
        lifecycle: Lifecycle::default(),
    };
    let lifecycle = &app.lifecycle;
    lifecycle.spawn(telemetry::upkeep(metrics, clock.clone(), lifecycle.shutdown()));
    lifecycle.spawn(database_clock.clone().follow(pools.private.clone(), lifecycle.shutdown()));

    for warning in &warnings {
        warn!("{warning}");
    }
    // Bind first, so that an address in use is reported before anything changes.
    if let Some(serve) = settings.serve {
        let (public, private) = listeners(&serve).await?;
        let follow = |tls: Option<(Tls, TlsReloader)>| {
            tls.map(|(tls, reloader)| {
                lifecycle.spawn(reloader.follow(clock.clone(), lifecycle.shutdown()));
                tls
            })
        };
        app.serve(HttpParts {
            public: Listener {
                tls: follow(serve.public_tls),
                ..public
            },
            private: Listener {
                tls: follow(serve.private_tls),
                ..private
            },
            web: serve.web,
            stale_for: serve.stale_for,
            credentials: serve.credentials,
            identity_provider: serve.identity_provider,
        });
    }
    let mut ended = pin!(lifecycle.run(settings.shutdown_grace));
    let context = app.context.clone();
    let preparing = async {
        migrations::run_when_reachable(&pools.private, clock.as_ref()).await?;
        keep_audit_log(&pools.private, settings.audit_retention).await;
        match grants::owns_audit_log(&pools.private).await {
            Ok(true) => warn!(
                "the database role of this process owns the audit log and could rewrite it; run latchkey migrate --grant-to, and run the \
                 service as another role"
            ),
            Ok(false) => {}
            Err(error) => warn!(%error, "cannot determine the rights of the database role"),
        }
        if works {
            match fits_budget(&context).await {
                Err(BudgetError::Store(error)) => warn!(%error, "cannot compare the schedule with the budget of calls to AWS"),
                compared => compared?,
            }
        }
        // Before the worker compares times that another process wrote.
        if let Err(error) = database_clock.synchronize(&pools.private).await {
            warn!(%error, "cannot ask the database for the time yet");
        }
        Ok::<_, RunError>(())
    };
    tokio::select! {
        prepared = preparing => prepared?,
        result = &mut ended => return result.map_err(RunError::Signals),
    }
    lifecycle.spawn(observe(app.context.clone(), lifecycle.shutdown()));
    if let Some(worker) = settings.worker {
        app.work(cloud?, worker)?;
    }
    ended.await.map_err(RunError::Signals)?;
    // Postgres may not respond.
    let _ = tokio::time::timeout(CLOSE_TIMEOUT, pools.close()).await;
    Ok(())
}

/// Binds the public and the private listener.
async fn listeners(settings: &ServeSettings) -> Result<(Listener, Listener), RunError> {
    let listen = &settings.listen;
    let (public, private) = descriptors::share(descriptors::raise_limit(), listen.public_connections, listen.private_connections);
    let public = Listener {
        limits: ConnectionLimits {
            total: public,
            per_address: listen.public_connections_per_address,
            proxies: settings.web.trusted_proxies.clone(),
            handshakes: settings.public_tls.as_ref().map(|_| HandshakeRates::PUBLIC),
        },
        ..Listener::new("public", bind(listen.public).await?)
    };
    let private = Listener {
        limits: ConnectionLimits::total(private),
        ..Listener::new("private", bind(listen.private).await?)
    };
    Ok((public, private))
}

async fn bind(address: SocketAddr) -> Result<TcpListener, RunError> {
    TcpListener::bind(address)
        .await
        .map_err(|fault| RunError::Listen { address, fault })
}

/// Sets how long the audit log is kept. A role that does not own the schema cannot.
async fn keep_audit_log(pool: &PgPool, keep: Option<Duration>) {
    match history::keep_audit_log(pool, keep).await {
        Ok(AuditRetention::Other) if keep.is_some() => warn!(
            "LATCHKEY_AUDIT_RETENTION has no effect, because the database role of this process does not own the schema; pass it to latchkey \
             migrate"
        ),
        Ok(_) => {}
        Err(error) => warn!(%error, "cannot set how long the audit log is kept"),
    }
}
