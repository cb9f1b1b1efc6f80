//! `latchkey check-config`

use clap::Args;

use super::{CommandResult, Failure};
use crate::app::{self, AppSettings};
use crate::cloud::aws::{self, AwsCloud};
use crate::domain::vendor::Vendor;
use crate::identity_provider::{IdentityProvider, IdentityProviderSettings};
use crate::service::check_vendor::check_vendor;
use crate::settings::{ServerSettings, Settings};

#[derive(Debug, Args)]
pub(super) struct CheckConfig {
    /// Also call AWS: check that this process has credentials, can assume your roles, and passes on no session tags.
    #[arg(long)]
    aws: bool,
    /// Also fetch the identity provider's discovery document and keys.
    #[arg(long)]
    identity_provider: bool,
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
        let provider = settings.serve.and_then(|serve| serve.identity_provider);
        let modes: Vec<String> = settings.vendor.modes().iter().map(ToString::to_string).collect();
        println!("The settings are valid. Enabled modes: {}.", modes.join(", "));
        match &provider {
            Some(provider) => println!("Sign-in: API tokens and JWTs from {}.", provider.issuer),
            None => println!("Sign-in: API tokens."),
        }
        if self.aws {
            check_aws(&settings.vendor, settings.s3_path_style).await?;
        }
        if self.identity_provider {
            check_provider(provider).await?;
        }
        Ok(())
    }
}

async fn check_aws(vendor: &Vendor, s3_path_style: bool) -> CommandResult {
    let clock = app::system_clock();
    let aws = AwsCloud::connect(aws::AwsOptions { s3_path_style }, clock.clone())
        .await
        .map_err(|fault| Failure::Usage(fault.to_string()))?;
    let reports = check_vendor(&aws, vendor, &clock).await;
    for report in &reports {
        let (mark, sentence) = match &report.result {
            Ok(sentence) => ("ok     ", sentence),
            Err(fault) if fault.inconclusive => ("unknown", &fault.sentence),
            Err(fault) => ("failed ", &fault.sentence),
        };
        println!("{mark}  {}: {sentence}", report.subject);
    }
    let faults = || reports.iter().filter_map(|report| report.result.as_ref().err());
    if faults().any(|fault| !fault.inconclusive) {
        return Err(Failure::Negative);
    }
    if faults().next().is_some() {
        return Err(Failure::Inconclusive("some AWS calls got no response".into()));
    }
    Ok(())
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
