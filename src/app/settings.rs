//! The settings of a process, checked against each other.

use std::time::Duration;

use sqlx::postgres::PgConnectOptions;

use crate::domain::retry::RetryPolicy;
use crate::domain::vendor::Vendor;
use crate::domain::webhook::WebhookPolicy;
use crate::identity_provider::{IdentityProviderSettings, RefreshTiming, RoleClaim};
use crate::settings::{ConfigErrors, ListenSettings, ServerSettings, Settings, WebSettings, WorkerSettings};

/// Settings of every process.
pub struct AppSettings {
    pub database: PgConnectOptions,
    pub database_connections: u32,
    pub vendor: Vendor,
    pub retry_policy: RetryPolicy,
    pub s3_path_style: bool,
    pub webhooks: WebhookPolicy,
    /// If None, HTTP is not served.
    pub serve: Option<ServeSettings>,
    /// If None, no worker runs.
    pub worker: Option<WorkerSettings>,
}

/// Additional settings of a process that serves HTTP.
pub struct ServeSettings {
    pub listen: ListenSettings,
    pub web: WebSettings,
    /// How long the last known answers are served while the database is unavailable.
    pub stale_for: Duration,
    /// If None, only API tokens are accepted.
    pub identity_provider: Option<IdentityProviderSettings>,
}

impl AppSettings {
    /// Without `server`, the process is only a worker.
    ///
    /// # Errors
    /// Every invalid setting.
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
            retry_policy: RetryPolicy {
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
