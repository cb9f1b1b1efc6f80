//! `latchkey check-config`

use clap::Args;
use sqlx::postgres::PgConnectOptions;

use super::{CommandResult, Failure};
use crate::app::{self, AppSettings};
use crate::cloud::OutsideProxy;
use crate::cloud::aws::{self, AwsCloud};
use crate::domain::arn::BucketName;
use crate::domain::mail::{MailFault, MailPolicy};
use crate::domain::region::Region;
use crate::identity_provider::{IdentityProvider, IdentityProviderSettings};
use crate::outbound_mail::Mailer;
use crate::service::check_vendor::{ReportStatus, VendorReport, VendorSetup, check_vendor};
use crate::settings::{ServerSettings, Settings};
use crate::store;

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "one flag for each thing to check")]
pub(super) struct CheckConfig {
    /// Also call AWS: check the identity of this process, your roles and their limits, regions, and the clock. Changes nothing.
    #[arg(long)]
    aws: bool,
    /// With --aws, a bucket of your own that your roles must not reach. Can be repeated.
    #[arg(long = "own-bucket", value_name = "BUCKET", requires = "aws")]
    own_buckets: Vec<BucketName>,
    /// With --aws, a region of customers' buckets that must be enabled in your accounts. Can be repeated.
    #[arg(long = "region", value_name = "REGION", requires = "aws")]
    regions: Vec<Region>,
    /// Also connect to the database, which must be a primary.
    #[arg(long)]
    database: bool,
    /// Also fetch the identity provider's discovery document and keys.
    #[arg(long)]
    identity_provider: bool,
    /// Also connect to the SMTP relay and sign in, without sending anything.
    #[arg(long)]
    mail: bool,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    server: ServerSettings,
}

impl CheckConfig {
    /// Checks exactly what `serve` checks.
    pub(super) async fn run(self) -> CommandResult {
        let settings = AppSettings::new(self.settings, Some(self.server))?;
        for warning in settings.warnings() {
            println!("warning  {warning}");
        }
        let rates = settings.serve.as_ref().map(|serve| serve.credentials.rates);
        let provider = settings.serve.and_then(|serve| serve.identity_provider);
        let modes: Vec<String> = settings.vendor.modes().iter().map(ToString::to_string).collect();
        println!("The settings are valid. Enabled modes: {}.", modes.join(", "));
        match &provider {
            Some(provider) => println!("Sign-in: API tokens and JWTs from {}.", provider.issuer),
            None => println!("Sign-in: API tokens."),
        }
        match &settings.mail {
            Some((policy, _)) => println!("Mail: from {}.", policy.from.email),
            None => println!("Mail: off."),
        }
        if self.aws {
            let ours = settings.vendor.partition();
            if let Some(region) = self.regions.iter().find(|region| region.partition() != ours) {
                let theirs = region.partition();
                return Err(Failure::Usage(format!(
                    "--region must be in the partition of your roles ({ours}), but {region} is in {theirs}"
                )));
            }
            let setup = VendorSetup {
                vendor: &settings.vendor,
                own_buckets: &self.own_buckets,
                regions: &self.regions,
                rates,
            };
            check_aws(setup, settings.s3_path_style, settings.outside_proxy.as_ref()).await?;
        }
        if self.database {
            check_database(settings.database).await?;
        }
        if self.mail {
            check_mail(settings.mail).await?;
        }
        if self.identity_provider {
            check_provider(provider).await?;
        }
        Ok(())
    }
}

async fn check_aws(setup: VendorSetup<'_>, s3_path_style: bool, outside: Option<&OutsideProxy>) -> CommandResult {
    let clock = app::system_clock();
    let aws = AwsCloud::connect(aws::AwsOptions { s3_path_style }, outside, clock.clone())
        .await
        .map_err(|fault| Failure::Usage(fault.to_string()))?;
    let reports = check_vendor(&aws, setup, &clock).await;
    for VendorReport { subject, status, sentence } in &reports {
        println!("{:7}  {subject}: {sentence}", status.to_string());
    }
    let has = |status| reports.iter().any(|report| report.status == status);
    if has(ReportStatus::Failed) {
        return Err(Failure::Negative);
    }
    if has(ReportStatus::Unanswered) {
        return Err(Failure::Inconclusive("some AWS calls got no response".into()));
    }
    Ok(())
}

async fn check_database(database: PgConnectOptions) -> CommandResult {
    let subject = format!("database {}:{}", database.get_host(), database.get_port());
    match store::is_standby(&app::pool(database, 1)).await {
        Ok(false) => {
            println!("ok       {subject}: a primary");
            Ok(())
        }
        Ok(true) => {
            println!("failed   {subject}: a standby, which may be behind; DATABASE_URL must lead to the primary");
            Err(Failure::Negative)
        }
        Err(error) => {
            println!("unknown  {subject}: {error}");
            Err(Failure::Inconclusive("the database did not respond".into()))
        }
    }
}

async fn check_mail(settings: Option<(MailPolicy, Mailer)>) -> CommandResult {
    let (_, mailer) = settings.ok_or_else(|| Failure::Usage("--mail requires LATCHKEY_SMTP_URL".into()))?;
    let Err(failure) = mailer.probe(&app::system_clock()).await else {
        println!("ok       SMTP relay: it accepts the connection and the login");
        return Ok(());
    };
    let reply = failure.reply.map(|reply| format!(" (reply {reply})")).unwrap_or_default();
    let sentence = match failure.fault {
        MailFault::Tls => "STARTTLS is not offered, or the certificate is not trusted; see LATCHKEY_SMTP_CA",
        MailFault::LoginRefused => "the user name or the password is wrong, or the relay offers neither PLAIN nor LOGIN",
        MailFault::Deferred => "it does not accept connections now",
        _ => {
            println!("unknown  SMTP relay: it cannot be reached{reply}");
            return Err(Failure::Inconclusive("the SMTP relay did not respond".into()));
        }
    };
    println!("failed   SMTP relay: {sentence}{reply}");
    Err(Failure::Negative)
}

async fn check_provider(settings: Option<IdentityProviderSettings>) -> CommandResult {
    let settings = settings.ok_or_else(|| Failure::Usage("--identity-provider requires LATCHKEY_OIDC_ISSUER".into()))?;
    let subject = format!("identity provider {}", settings.issuer);
    match IdentityProvider::new(app::system_clock(), settings).fetch().await {
        Ok(keys) => {
            println!("ok       {subject}: {} keys, for {}", keys.len(), keys.algorithms().join(", "));
            Ok(())
        }
        Err(fault) if fault.may_pass() => {
            println!("unknown  {subject}: {fault}");
            Err(Failure::Inconclusive("the identity provider did not respond".into()))
        }
        Err(fault) => {
            println!("failed   {subject}: {fault}");
            Err(Failure::Negative)
        }
    }
}
