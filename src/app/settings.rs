//! The settings of a process, checked against each other.

use std::net::IpAddr;
use std::time::Duration;

use chrono::TimeDelta;
use reqwest::Url;
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use crate::cloud::OutsideProxy;
use crate::domain::identity::ServiceTenants;
use crate::domain::limits::{Limits, Retention};
use crate::domain::mail::MailPolicy;
use crate::domain::retry::RetryPolicy;
use crate::domain::reverification::budget::CallRates;
use crate::domain::reverification::schedule::Schedule;
use crate::domain::vendor::Vendor;
use crate::domain::webhook::WebhookPolicy;
use crate::http::server::tls::{Tls, TlsReloader};
use crate::identity_provider::{IdentityProviderSettings, RefreshTiming, RoleClaim};
use crate::outbound_mail::Mailer;
use crate::service::credential_cache::{CredentialPolicy, SessionRates};
use crate::settings::{ConfigError, ConfigErrors, ListenSettings, ServerSettings, Settings, TlsFiles, WebSettings, WorkerSettings, mail};

/// Settings of every process.
pub struct AppSettings {
    pub database: PgConnectOptions,
    pub database_connections: u32,
    pub vendor: Vendor,
    /// The way to AWS from outside of the vendor's network.
    pub outside_proxy: Option<OutsideProxy>,
    pub retry_policy: RetryPolicy,
    /// How long an attempt of a verification may write to the customer's bucket.
    pub lease: Duration,
    pub s3_path_style: bool,
    pub webhooks: WebhookPolicy,
    /// If None, mail is off.
    pub mail: Option<(MailPolicy, Mailer)>,
    pub limits: Limits,
    pub retention: Retention,
    /// How long the audit log is kept. None forever.
    pub audit_retention: Option<Duration>,
    pub schedule: Schedule,
    pub rates: CallRates,
    /// How long work in progress may continue after a signal.
    pub shutdown_grace: Duration,
    /// If None, HTTP is not served.
    pub serve: Option<ServeSettings>,
    /// If None, no worker runs.
    pub worker: Option<WorkerSettings>,
}

/// Additional settings of a process that serves HTTP.
pub struct ServeSettings {
    pub listen: ListenSettings,
    pub public_tls: Option<(Tls, TlsReloader)>,
    pub private_tls: Option<(Tls, TlsReloader)>,
    pub web: WebSettings,
    /// How long the last known answers are served while the database is unavailable.
    pub stale_for: Duration,
    pub credentials: CredentialPolicy,
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
        let shutdown_grace = settings.worker.shutdown_grace;
        let lease = settings.worker.lease();
        let worker = server.as_ref().is_none_or(|server| !server.no_worker).then_some(settings.worker);
        let database = errors.collect(settings.database.url());
        let vendor = errors.collect(settings.vendor.vendor());
        let network = errors.collect(settings.network.network());
        let schedule = errors.collect(settings.reverification.schedule());
        let public_url = settings.public_url.public_url;
        let serve = server.map(|server| ServeSettings::new(server, public_url.clone(), &mut errors));
        let links = serve.as_ref().map_or(public_url, |serve| serve.web.public_url.clone());
        let mail = errors.collect(settings.mail.relay()).flatten();
        let mail = mail.and_then(|(relay, from)| {
            let policy = errors.collect(mail::policy(from.clone(), links.as_ref()))?;
            Some((policy, Mailer::new(relay, from)))
        });
        let (Some(database), Some(mut vendor), Some((network, outside_proxy)), Some(schedule), true) =
            (database, vendor, network, schedule, errors.is_empty())
        else {
            return Err(errors);
        };
        vendor.network = network;
        Ok(Self {
            database,
            database_connections: settings.database.database_connections,
            vendor,
            outside_proxy,
            retry_policy: RetryPolicy {
                window: settings.aws.propagation_window,
                retry_inconclusive: true,
            },
            lease,
            s3_path_style: settings.aws.s3_path_style,
            webhooks: settings.webhooks.policy(),
            mail,
            limits: settings.limits.limits(),
            retention: settings.retention.retention(),
            audit_retention: settings.audit.retention(),
            schedule,
            rates: settings.reverification.rates(),
            shutdown_grace,
            serve,
            worker,
        })
    }

    /// Settings that are valid but risky.
    pub fn warnings(&self) -> Vec<ConfigError> {
        let listeners = self.serve.as_ref().map(ServeSettings::warnings);
        unverified_database(&self.database)
            .into_iter()
            .chain(listeners.into_iter().flatten())
            .collect()
    }
}

/// Warns if somebody on the network could impersonate Postgres.
fn unverified_database(database: &PgConnectOptions) -> Option<ConfigError> {
    let (host, mode) = (database.get_host(), database.get_ssl_mode());
    let is_local = database.get_socket().is_some()
        || host.starts_with('/')
        || host == "localhost"
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    if is_local || matches!(mode, PgSslMode::VerifyFull) {
        return None;
    }
    let problem = format!("the identity of {host} is not verified; add sslmode=verify-full to the URL");
    Some(ConfigError::new("DATABASE_URL", problem))
}

impl ServeSettings {
    fn warnings(&self) -> Vec<ConfigError> {
        let listeners = [
            ("PUBLIC", self.listen.public, self.public_tls.is_some()),
            ("PRIVATE", self.listen.private, self.private_tls.is_some()),
        ];
        let in_clear = listeners
            .into_iter()
            .filter(|(_, address, has_tls)| !has_tls && !address.ip().is_loopback());
        in_clear
            .map(|(name, address, _)| {
                let problem = format!(
                    "{address} is not a loopback address and has no TLS; set LATCHKEY_{name}_TLS_CERT, or make sure that only a proxy that terminates TLS can reach it"
                );
                ConfigError::new(&format!("LATCHKEY_{name}_LISTEN"), problem)
            })
            .collect()
    }

    fn new(mut server: ServerSettings, public_url: Option<Url>, errors: &mut ConfigErrors) -> Self {
        server.web.public_url = public_url;
        errors.collect(server.listen.check());
        let public_tls = errors.collect(load(server.listen.public_tls(), "LATCHKEY_PUBLIC_TLS_CERT"));
        let private_tls = errors.collect(load(server.listen.private_tls(), "LATCHKEY_PRIVATE_TLS_CERT"));
        let issuer = errors
            .collect(server.oidc.issuer().map(|issuer| issuer.map(str::to_owned)))
            .flatten();
        let service_tenants = errors.collect(server.oidc.service_tenants());
        Self {
            web: server.web.with_default_url(server.listen.public),
            listen: server.listen,
            public_tls: public_tls.flatten(),
            private_tls: private_tls.flatten(),
            stale_for: server.service_api.stale_for,
            credentials: CredentialPolicy {
                rates: SessionRates {
                    process: server.service_api.sessions_per_second,
                    token: server.service_api.sessions_per_token,
                },
                stale_for: server.service_api.credentials_stale_for,
            },
            identity_provider: issuer.map(|issuer| IdentityProviderSettings {
                issuer,
                audiences: server.oidc.audience,
                roles: RoleClaim {
                    path: server.oidc.roles_claim,
                    mapping: Some(server.oidc.roles).filter(|roles| !roles.is_empty()),
                },
                service_tenants: service_tenants.unwrap_or(ServiceTenants::None),
                max_age: TimeDelta::from_std(server.oidc.max_age).unwrap_or(TimeDelta::MAX),
                id_tokens: server.oidc.id_tokens,
                jwks_url: server.oidc.jwks_url,
                header: server.oidc.header,
                timing: RefreshTiming::default(),
            }),
        }
    }
}

fn load(files: Result<Option<TlsFiles>, ConfigError>, variable: &str) -> Result<Option<(Tls, TlsReloader)>, ConfigError> {
    let loaded = files?.map(Tls::load).transpose();
    loaded.map_err(|fault| ConfigError::new(variable, fault))
}
