//! Settings: environment variables, each also a flag, made into types once. A wrong one stops the start with one line
//! that names it, the form of its value, and an example.

mod internal;
mod oidc;
mod telemetry;
mod web;
mod webhooks;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::PgConnectOptions;

use crate::domain::arn::{RoleArn, RoleName};
use crate::domain::catalogue::CheckWeight;
use crate::domain::check::CheckName;
use crate::domain::region::{Region, Regions};
use crate::domain::retry::RetryPolicy;
use crate::domain::vendor::Vendor;

pub use internal::InternalArgs;
pub use oidc::OidcArgs;
pub use telemetry::{LogFormat, Telemetry, TelemetryArgs, TraceTarget};
pub use web::{FrontArgs, Logo, WebSettings};
pub use webhooks::WebhookArgs;

/// Where Postgres is.
#[derive(Debug, Clone, Args)]
pub struct DatabaseArgs {
    /// Postgres's URL.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub database_url: Option<SecretString>,

    /// How many connections this process may hold.
    #[arg(long, env = "LATCHKEY_DATABASE_CONNECTIONS", default_value_t = 20, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(5..=1000))]
    pub database_connections: u32,
}

/// Who the vendor is, and what it asks of its customers.
#[derive(Debug, Clone, Args)]
pub struct VendorArgs {
    /// The vendor's name, as customers read it.
    #[arg(long, env = "LATCHKEY_VENDOR_NAME", default_value = "the vendor", value_name = "NAME")]
    pub vendor_name: String,

    /// Where the vendor hosts the `CloudFormation` template that `latchkey template --format cloudformation` prints, in S3.
    #[arg(long, env = "LATCHKEY_CLOUDFORMATION_URL", value_name = "URL")]
    pub cloudformation_url: Option<String>,

    /// The vendor's document-storage role, which assumes the customers' roles. Offers the mode `assume_role`.
    #[arg(long, env = "LATCHKEY_STORAGE_ROLE_ARN", value_name = "ARN")]
    pub storage_role_arn: Option<String>,

    /// The vendor's customer-facing role, which the customers' policies name. Offers the mode `direct`.
    #[arg(long, env = "LATCHKEY_DIRECT_ROLE_ARN", value_name = "ARN")]
    pub direct_role_arn: Option<String>,

    /// How the name of every customer's role has to begin.
    #[arg(long, env = "LATCHKEY_CLIENT_ROLE_PREFIX", value_name = "PREFIX")]
    pub client_role_prefix: Option<String>,

    /// Checks that only warn, by name, separated by commas.
    #[arg(long, env = "LATCHKEY_ADVISORY_CHECKS", value_delimiter = ',', value_name = "CHECKS")]
    pub advisory_checks: Vec<String>,

    /// Whether the templates ask for the reads that the checks of the bucket's posture need (public access, ACLs, access
    /// logging), and those checks, which only warn, are made.
    #[arg(long, env = "LATCHKEY_POSTURE", default_value_t = false, value_name = "true|false", action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true")]
    pub posture: bool,

    /// Regions to accept beside those that this version knows, separated by commas.
    #[arg(long, env = "LATCHKEY_EXTRA_REGIONS", value_delimiter = ',', value_name = "REGIONS")]
    pub extra_regions: Vec<String>,
}

/// The listeners.
#[derive(Debug, Clone, Args)]
pub struct ListenArgs {
    /// Where customers come in, through the internet.
    #[arg(long, env = "LATCHKEY_PUBLIC_LISTEN", default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    pub public_listen: String,

    /// Where vendor ops and internal services come in, from inside alone.
    #[arg(long, env = "LATCHKEY_PRIVATE_LISTEN", default_value = "127.0.0.1:8081", value_name = "ADDRESS")]
    pub private_listen: String,
}

/// The worker.
#[derive(Debug, Clone, Args)]
pub struct WorkerArgs {
    /// How many verifications this process runs at once.
    #[arg(long, env = "LATCHKEY_WORKER_CONCURRENCY", default_value_t = 16, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub worker_concurrency: u16,

    /// How long a worker may be silent before others take its verifications on.
    #[arg(long, env = "LATCHKEY_WORKER_LOST_AFTER", default_value = "15s", value_name = "DURATION")]
    pub worker_lost_after: String,

    /// How long a refusal may only be a policy that is still on its way through AWS. `0s` takes each at its word.
    #[arg(long, env = "LATCHKEY_PROPAGATION_WINDOW", default_value = "90s", value_name = "DURATION")]
    pub propagation_window: String,

    /// How long what is under way may take to end after a first signal to stop.
    #[arg(long, env = "LATCHKEY_SHUTDOWN_GRACE", default_value = "25s", value_name = "DURATION")]
    pub shutdown_grace: String,

    /// Addresses S3 buckets by path instead of by host name: for stand-ins.
    #[arg(long, env = "LATCHKEY_S3_PATH_STYLE", default_value_t = false, value_name = "true|false", action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true")]
    pub s3_path_style: bool,
}

/// A setting that is missing or wrong, in one line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {fault}; expected {form}, such as {example}")]
pub struct ConfigError {
    name: &'static str,
    fault: String,
    form: &'static str,
    example: &'static str,
}

/// What a setting has to look like.
struct Form(&'static str, &'static str, &'static str);

impl Form {
    fn wrong(&self, fault: impl std::fmt::Display) -> ConfigError {
        let Self(name, form, example) = *self;
        ConfigError {
            name,
            fault: fault.to_string(),
            form,
            example,
        }
    }

    fn parse<T: FromStr>(&self, text: &str) -> Result<T, ConfigError>
    where
        T::Err: std::fmt::Display,
    {
        text.trim().parse().map_err(|fault| self.wrong(fault))
    }

    /// An empty variable is an unset one.
    fn optional<T: FromStr>(&self, text: Option<&str>) -> Result<Option<T>, ConfigError>
    where
        T::Err: std::fmt::Display,
    {
        text.filter(|text| !text.trim().is_empty()).map(|text| self.parse(text)).transpose()
    }
}

impl DatabaseArgs {
    pub fn options(&self) -> Result<PgConnectOptions, ConfigError> {
        let form = Form("DATABASE_URL", "a Postgres URL", "postgres://latchkey:…@db.internal:5432/latchkey");
        let url = self.database_url.as_ref().ok_or_else(|| form.wrong("it is not set"))?;
        if !["postgres://", "postgresql://"]
            .iter()
            .any(|scheme| url.expose_secret().starts_with(scheme))
        {
            return Err(form.wrong("it has another scheme"));
        }
        // The fault may quote the URL, and with it the password: it is not shown.
        PgConnectOptions::from_str(url.expose_secret()).map_err(|_| form.wrong("it cannot be read"))
    }
}

impl VendorArgs {
    pub fn vendor(&self) -> Result<Vendor, ConfigError> {
        let storage = Form(
            "LATCHKEY_STORAGE_ROLE_ARN",
            "a role's ARN",
            "arn:aws:iam::111111111111:role/document-storage",
        );
        let direct = Form(
            "LATCHKEY_DIRECT_ROLE_ARN",
            "a role's ARN",
            "arn:aws:iam::111111111111:role/customer-facing",
        );
        let prefix = Form("LATCHKEY_CLIENT_ROLE_PREFIX", "the beginning of a role's name", "vendor-");
        let regions = Form("LATCHKEY_EXTRA_REGIONS", "regions separated by commas", "eu-central-3,us-west-9");

        let storage_role: Option<RoleArn> = storage.optional(self.storage_role_arn.as_deref())?;
        let direct_role: Option<RoleArn> = direct.optional(self.direct_role_arn.as_deref())?;
        match (&storage_role, &direct_role) {
            (None, None) => {
                return Err(storage.wrong("neither it nor LATCHKEY_DIRECT_ROLE_ARN is set, so no mode is offered"));
            }
            (Some(one), Some(other)) if one.partition() != other.partition() => {
                return Err(direct.wrong(format!(
                    "it is in the partition {}, LATCHKEY_STORAGE_ROLE_ARN is in {}",
                    other.partition(),
                    one.partition()
                )));
            }
            _ => {}
        }
        let named = |text: &&String| !text.trim().is_empty();
        let extra = self.extra_regions.iter().filter(named).map(|text| regions.parse::<Region>(text));
        Ok(Vendor {
            name: self.vendor_name.clone(),
            cloudformation_url: self.cloudformation_url(storage_role.as_ref().or(direct_role.as_ref()))?,
            storage_role,
            direct_role,
            client_role_prefix: prefix.optional::<RoleName>(self.client_role_prefix.as_deref())?,
            advisory_checks: self
                .advisory_checks
                .iter()
                .filter(named)
                .map(|text| advisory(text))
                .collect::<Result<BTreeSet<_>, _>>()?,
            posture: self.posture,
            regions: Regions::with_extra(extra.collect::<Result<_, _>>()?),
        })
    }
}

impl VendorArgs {
    /// `CloudFormation` reads templates from S3 alone, and the link has to be one for the console of the vendor's partition.
    fn cloudformation_url(&self, role: Option<&RoleArn>) -> Result<Option<String>, ConfigError> {
        let form = Form(
            "LATCHKEY_CLOUDFORMATION_URL",
            "the https URL of an object in S3",
            "https://vendor-templates.s3.eu-central-1.amazonaws.com/latchkey.yaml",
        );
        let Some(url) = self.cloudformation_url.as_deref().map(str::trim).filter(|url| !url.is_empty()) else {
            return Ok(None);
        };
        let parsed = reqwest::Url::parse(url).map_err(|fault| form.wrong(fault))?;
        let suffix = role.map_or("amazonaws.com", |role| role.partition().dns_suffix());
        let host = parsed.host_str().unwrap_or_default();
        let of_s3 = host
            .strip_suffix(suffix)
            .and_then(|host| host.strip_suffix('.'))
            .is_some_and(|host| {
                let mut labels = host.split('.');
                labels.any(|label| label == "s3" || label.starts_with("s3-"))
            });
        if parsed.scheme() != "https" || !of_s3 || parsed.path().len() < 2 {
            return Err(form.wrong(format!("it is no https URL of an object at an S3 endpoint that ends with {suffix}")));
        }
        Ok(Some(parsed.to_string()))
    }
}

fn advisory(text: &str) -> Result<CheckName, ConfigError> {
    let form = Form(
        "LATCHKEY_ADVISORY_CHECKS",
        "names of checks separated by commas",
        "object-restorable,versioning-disabled",
    );
    let check: CheckName = text
        .trim()
        .parse()
        .map_err(|_| form.wrong(format!("there is no check named {text:?}")))?;
    if check.entry().weight == CheckWeight::AlwaysRequired {
        return Err(form.wrong(format!(
            "{check} keeps strangers out or the bucket clean, and may never be advisory"
        )));
    }
    Ok(check)
}

/// The listeners' addresses.
#[derive(Debug, Clone)]
pub struct ListenSettings {
    pub public: SocketAddr,
    pub private: SocketAddr,
}

impl ListenArgs {
    pub fn listen(&self) -> Result<ListenSettings, ConfigError> {
        let public = Form("LATCHKEY_PUBLIC_LISTEN", "an address and a port", "0.0.0.0:8080");
        let private = Form("LATCHKEY_PRIVATE_LISTEN", "an address and a port", "10.0.0.5:8081");
        let listen = ListenSettings {
            public: public.parse(&self.public_listen)?,
            private: private.parse(&self.private_listen)?,
        };
        if listen.public == listen.private && listen.public.port() != 0 {
            return Err(private.wrong("it is the same as LATCHKEY_PUBLIC_LISTEN"));
        }
        Ok(listen)
    }
}

/// How the worker behaves.
#[derive(Debug, Clone)]
pub struct WorkerSettings {
    pub concurrency: usize,
    pub lost_after: Duration,
    pub grace: Duration,
}

impl WorkerArgs {
    pub fn worker(&self) -> Result<WorkerSettings, ConfigError> {
        let lost = Form("LATCHKEY_WORKER_LOST_AFTER", "a duration of 1s or more", "15s");
        let grace = Form("LATCHKEY_SHUTDOWN_GRACE", "a duration", "25s");
        let lost_after: humantime::Duration = lost.parse(&self.worker_lost_after)?;
        if *lost_after < Duration::from_secs(1) {
            return Err(lost.wrong("it is too short"));
        }
        Ok(WorkerSettings {
            concurrency: usize::from(self.worker_concurrency),
            lost_after: *lost_after,
            grace: *grace.parse::<humantime::Duration>(&self.shutdown_grace)?,
        })
    }
}

impl WorkerArgs {
    pub fn patience(&self) -> Result<RetryPolicy, ConfigError> {
        let form = Form("LATCHKEY_PROPAGATION_WINDOW", "a duration, or 0s for none", "90s");
        Ok(RetryPolicy {
            window: *form.parse::<humantime::Duration>(&self.propagation_window)?,
            retry_open: true,
        })
    }
}

/// Shared by all who need to know the vendor.
pub type SharedVendor = Arc<Vendor>;

#[cfg(test)]
mod tests {
    use clap::{FromArgMatches, Parser};
    use rstest::rstest;

    use super::*;

    #[derive(Debug, Parser)]
    struct All {
        #[command(flatten)]
        database: DatabaseArgs,
        #[command(flatten)]
        vendor: VendorArgs,
        #[command(flatten)]
        listen: ListenArgs,
        #[command(flatten)]
        front: FrontArgs,
        #[command(flatten)]
        internal: InternalArgs,
        #[command(flatten)]
        webhooks: WebhookArgs,
        #[command(flatten)]
        oidc: OidcArgs,
        #[command(flatten)]
        worker: WorkerArgs,
        #[command(flatten)]
        telemetry: TelemetryArgs,
    }

    fn check(args: &[&str]) -> Result<(), String> {
        let role = ["--storage-role-arn", "arn:aws:iam::111111111111:role/storage"];
        let args: Vec<&str> = ["latchkey"].into_iter().chain(role).chain(args.iter().copied()).collect();
        // Without the environment of whoever runs the test.
        let command = <All as clap::CommandFactory>::command().mut_args(|arg| arg.env(None::<&str>));
        let matches = command
            .args_override_self(true)
            .try_get_matches_from(args)
            .map_err(|error| error.to_string())?;
        let all = All::from_arg_matches(&matches).map_err(|error| error.to_string())?;
        let text = |wrong: ConfigError| wrong.to_string();
        all.vendor.vendor().map_err(text)?;
        let listen = all.listen.listen().map_err(text)?;
        all.front.front(listen.public).map_err(text)?;
        all.internal.stale_for().map_err(text)?;
        all.webhooks.policy().map_err(text)?;
        all.oidc.provider().map_err(text)?;
        all.worker.worker().map_err(text)?;
        all.worker.patience().map_err(text)?;
        all.telemetry.telemetry().map_err(text)?;
        if all.database.database_url.is_some() {
            all.database.options().map_err(text)?;
        }
        Ok(())
    }

    #[rstest]
    #[case(&["--storage-role-arn", "storage"], "LATCHKEY_STORAGE_ROLE_ARN: this is not an ARN")]
    #[case(&["--storage-role-arn", ""], "LATCHKEY_STORAGE_ROLE_ARN: neither it nor LATCHKEY_DIRECT_ROLE_ARN is set")]
    #[case(&["--direct-role-arn", "arn:aws-cn:iam::111111111111:role/direct"], "LATCHKEY_DIRECT_ROLE_ARN: it is in the partition aws-cn")]
    #[case(&["--cloudformation-url", "http://b.s3.eu-central-1.amazonaws.com/x.yaml"], "LATCHKEY_CLOUDFORMATION_URL: it is no https URL")]
    #[case(&["--cloudformation-url", "https://vendor.example/x.yaml"], "LATCHKEY_CLOUDFORMATION_URL: it is no https URL")]
    #[case(&["--cloudformation-url", "https://b.s3.cn-north-1.amazonaws.com.cn/x.yaml"], "LATCHKEY_CLOUDFORMATION_URL: it is no https URL")]
    #[case(&["--client-role-prefix", "a b"], "LATCHKEY_CLIENT_ROLE_PREFIX: a role's name")]
    #[case(&["--advisory-checks", "object-readable,nonsense"], "LATCHKEY_ADVISORY_CHECKS: there is no check named \"nonsense\"")]
    #[case(&["--advisory-checks", "role-requires-external-id"], "LATCHKEY_ADVISORY_CHECKS: role-requires-external-id keeps strangers out")]
    #[case(&["--extra-regions", "Frankfurt"], "LATCHKEY_EXTRA_REGIONS: a region is written as its code")]
    #[case(&["--public-listen", "8080"], "LATCHKEY_PUBLIC_LISTEN: invalid socket address")]
    #[case(&["--private-listen", "127.0.0.1:8080"], "LATCHKEY_PRIVATE_LISTEN: it is the same as LATCHKEY_PUBLIC_LISTEN")]
    #[case(&["--public-url", "ftp://x"], "LATCHKEY_PUBLIC_URL: it has another scheme")]
    #[case(&["--vendor-colour", "blue"], "LATCHKEY_VENDOR_COLOUR: this is no colour")]
    #[case(&["--oidc-issuer", "https://login.vendor.example"], "LATCHKEY_OIDC_AUDIENCE: it is not set")]
    #[case(&["--stale-for", "a day"], "LATCHKEY_STALE_FOR: ")]
    #[case(&["--webhook-key", "hunter2"], "LATCHKEY_WEBHOOK_KEY: key 1 is not 32 bytes")]
    #[case(&["--webhook-allow", "10.0.0.0/8,intranet"], "LATCHKEY_WEBHOOK_ALLOW: ")]
    #[case(&["--worker-lost-after", "soon"], "LATCHKEY_WORKER_LOST_AFTER: ")]
    #[case(&["--worker-lost-after", "1ms"], "LATCHKEY_WORKER_LOST_AFTER: it is too short")]
    #[case(&["--propagation-window", "90"], "LATCHKEY_PROPAGATION_WINDOW: ")]
    #[case(&["--log-format", "xml"], "LATCHKEY_LOG_FORMAT: \"xml\" is neither")]
    #[case(&["--log", "a=b=c"], "LATCHKEY_LOG: ")]
    #[case(&["--otlp-endpoint", "collector:4318"], "LATCHKEY_OTLP_ENDPOINT: it has another scheme")]
    #[case(&["--otlp-endpoint", "4318"], "LATCHKEY_OTLP_ENDPOINT: ")]
    #[case(&["--otlp-sample", "half"], "LATCHKEY_OTLP_SAMPLE: ")]
    #[case(&["--otlp-sample", "10"], "LATCHKEY_OTLP_SAMPLE: it is outside of that")]
    #[case(&["--database-url", "mysql://root:hunter2@db/x"], "DATABASE_URL: it has another scheme")]
    fn a_wrong_setting_is_one_line_with_an_example(#[case] args: &[&str], #[case] starts: &str) {
        let line = check(args).unwrap_err();
        assert!(line.starts_with(starts), "{line}");
        assert!(line.contains(", such as ") && !line.contains('\n'), "{line}");
        assert!(!line.contains("hunter2"), "{line}");
    }

    #[test]
    fn the_defaults_are_right() {
        assert_eq!(check(&[]), Ok(()));
    }
}
