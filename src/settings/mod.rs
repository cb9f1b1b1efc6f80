//! Settings. Each is declared once, as a clap argument: its flag, environment variable, default, help text and parser.
//! `latchkey settings` prints the reference from these declarations.
//!
//! A field's parser checks the value by itself; rules between settings are checked where the groups are converted
//! ([`VendorSettings::vendor`], [`OidcSettings::issuer`], [`ListenSettings::check`]). [`parse_command_line`] reports every wrong value at
//! once, in one line each.

mod database;
mod limits;
mod listen;
mod login_url;
pub(crate) mod mail;
mod network;
mod oidc;
mod parse;
mod retention;
mod reverification;
mod service_api;
mod telemetry;
mod value;
mod vendor;
mod web;
mod webhooks;
mod worker;

use clap::Args;

pub use database::DatabaseSettings;
pub use limits::{LimitSettings, TokenSettings};
pub use listen::{ListenSettings, TlsFiles};
pub use mail::MailSettings;
pub use network::NetworkSettings;
pub use oidc::OidcSettings;
pub use parse::{ParseError, parse_command_line};
pub use retention::{AuditSettings, RetentionSettings};
pub use reverification::ReverificationSettings;
pub use service_api::ServiceApiSettings;
pub use telemetry::{LogFormat, TelemetrySettings};
pub(crate) use value::is_https_or_loopback;
pub use value::{ConfigError, ConfigErrors};
pub use vendor::VendorSettings;
pub use web::{Logo, PublicUrlSettings, RgbColor, WebSettings};
pub use webhooks::WebhookSettings;
pub use worker::{AwsSettings, WorkerSettings};

/// Settings of every process.
#[derive(Debug, Clone, Args)]
pub struct Settings {
    #[command(flatten)]
    pub database: DatabaseSettings,
    #[command(flatten)]
    pub vendor: VendorSettings,
    #[command(flatten)]
    pub network: NetworkSettings,
    #[command(flatten)]
    pub worker: WorkerSettings,
    #[command(flatten)]
    pub aws: AwsSettings,
    #[command(flatten)]
    pub reverification: ReverificationSettings,
    #[command(flatten)]
    pub webhooks: WebhookSettings,
    #[command(flatten)]
    pub mail: MailSettings,
    #[command(flatten)]
    pub limits: LimitSettings,
    #[command(flatten)]
    pub retention: RetentionSettings,
    #[command(flatten)]
    pub audit: AuditSettings,
    #[command(flatten)]
    pub public_url: PublicUrlSettings,
    #[command(flatten)]
    pub telemetry: TelemetrySettings,
}

/// Settings of processes that serve HTTP, in addition to [`Settings`].
#[derive(Debug, Clone, Args)]
pub struct ServerSettings {
    #[command(flatten)]
    pub listen: ListenSettings,
    #[command(flatten)]
    pub web: WebSettings,
    #[command(flatten)]
    pub service_api: ServiceApiSettings,
    #[command(flatten)]
    pub oidc: OidcSettings,

    /// Do not run a worker in this process.
    #[arg(long, env = "LATCHKEY_NO_WORKER", default_value = "false", value_name = "true|false", action = clap::ArgAction::Set,
          num_args = 0..=1, default_missing_value = "true", help_heading = "Worker",
          value_parser = value::Format("true or false", "true").parser(value::boolean))]
    pub no_worker: bool,
}

#[cfg(test)]
mod tests;
