//! `latchkey check-config`

use clap::Args;

use super::{Failure, Outcome};
use crate::app;
use crate::cloud::aws::{AwsCloud, AwsSettings};
use crate::domain::vendor::Vendor;
use crate::identity_provider::{self, IdentityProvider};
use crate::service::check_vendor::check_vendor;
use crate::settings::{DatabaseArgs, FrontArgs, InternalArgs, ListenArgs, OidcArgs, TelemetryArgs, VendorArgs, WebhookArgs, WorkerArgs};

#[derive(Debug, Args)]
pub struct CheckConfig {
    /// Ask AWS too: whether the process has credentials, can assume the vendor's roles, and hands no session tags down.
    #[arg(long)]
    aws: bool,
    /// Ask the identity provider too: for its discovery document and its keys.
    #[arg(long)]
    identity_provider: bool,
    #[command(flatten)]
    listen: ListenArgs,
    #[command(flatten)]
    front: FrontArgs,
    #[command(flatten)]
    internal: InternalArgs,
    #[command(flatten)]
    oidc: OidcArgs,
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    vendor: VendorArgs,
    #[command(flatten)]
    worker: WorkerArgs,
    #[command(flatten)]
    webhooks: WebhookArgs,
    #[command(flatten)]
    telemetry: TelemetryArgs,
}

async fn check_provider(settings: Option<identity_provider::IdentityProviderSettings>) -> Outcome {
    let settings = settings.ok_or_else(|| Failure::Usage("LATCHKEY_OIDC_ISSUER is not set, so there is no provider to ask".into()))?;
    let subject = format!("identity provider {}", settings.issuer);
    match IdentityProvider::new(app::system_clock(), settings).fetch().await {
        Ok(keys) => {
            println!("right  {subject}: {} keys, for {}", keys.len(), keys.algorithms().join(", "));
            Ok(())
        }
        Err(fault) if fault.may_pass() => {
            println!("open   {subject}: {fault}");
            Err(Failure::Unknown("the identity provider did not answer".into()))
        }
        Err(fault) => {
            println!("wrong  {subject}: {fault}");
            Err(Failure::No)
        }
    }
}

impl CheckConfig {
    pub async fn run(self) -> Outcome {
        let listen = self.listen.listen()?;
        self.front.front(listen.public)?;
        self.internal.stale_for()?;
        let provider = self.oidc.provider()?;
        self.database.options()?;
        let vendor = self.vendor.vendor()?;
        self.worker.worker()?;
        self.worker.patience()?;
        self.webhooks.policy()?;
        self.telemetry.telemetry()?;
        let modes: Vec<String> = vendor.modes().iter().map(ToString::to_string).collect();
        println!("The settings are right. Modes on offer: {}.", modes.join(", "));
        match &provider {
            Some(provider) => println!("Signing in: by API tokens, and by JWTs of {}.", provider.issuer),
            None => println!("Signing in: by API tokens."),
        }
        if self.aws {
            self.check_aws(&vendor).await?;
        }
        if self.identity_provider {
            check_provider(provider).await?;
        }
        Ok(())
    }

    async fn check_aws(&self, vendor: &Vendor) -> Outcome {
        let settings = AwsSettings {
            s3_path_style: self.worker.s3_path_style,
        };
        let clock = app::system_clock();
        let aws = AwsCloud::connect(settings, clock.clone())
            .await
            .map_err(|fault| Failure::Usage(fault.to_string()))?;
        let looks = check_vendor(&aws, vendor, &clock).await;
        for look in &looks {
            let (mark, sentence) = match &look.result {
                Ok(sentence) => ("right", sentence),
                Err(fault) if fault.open => ("open ", &fault.sentence),
                Err(fault) => ("wrong", &fault.sentence),
            };
            println!("{mark}  {}: {sentence}", look.subject);
        }
        let faults = || looks.iter().filter_map(|look| look.result.as_ref().err());
        if faults().any(|fault| !fault.open) {
            return Err(Failure::No);
        }
        if faults().next().is_some() {
            return Err(Failure::Unknown("AWS did not answer everything".into()));
        }
        Ok(())
    }
}
