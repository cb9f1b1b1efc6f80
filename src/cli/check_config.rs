//! `latchkey check-config`

use clap::Args;

use super::{Failure, Outcome};
use crate::app;
use crate::cloud::aws::{Aws, Settings};
use crate::domain::vendor::Vendor;
use crate::service::check_vendor::check_vendor;
use crate::settings::{DatabaseArgs, FrontArgs, ListenArgs, LogArgs, VendorArgs, WebhookArgs, WorkerArgs};

#[derive(Debug, Args)]
pub struct CheckConfig {
    /// Ask AWS too: whether the process has credentials, can assume the vendor's roles, and hands no session tags down.
    #[arg(long)]
    aws: bool,
    #[command(flatten)]
    listen: ListenArgs,
    #[command(flatten)]
    front: FrontArgs,
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    vendor: VendorArgs,
    #[command(flatten)]
    worker: WorkerArgs,
    #[command(flatten)]
    webhooks: WebhookArgs,
    #[command(flatten)]
    log: LogArgs,
}

impl CheckConfig {
    pub async fn run(self) -> Outcome {
        let listen = self.listen.listen()?;
        self.front.front(listen.public)?;
        self.database.options()?;
        let vendor = self.vendor.vendor()?;
        self.worker.worker()?;
        self.worker.patience()?;
        self.webhooks.policy()?;
        self.log.filter()?;
        self.log.format()?;
        let modes: Vec<String> = vendor.modes().iter().map(ToString::to_string).collect();
        println!("The settings are right. Modes on offer: {}.", modes.join(", "));
        if self.aws {
            self.check_aws(&vendor).await?;
        }
        Ok(())
    }

    async fn check_aws(&self, vendor: &Vendor) -> Outcome {
        let settings = Settings {
            s3_path_style: self.worker.s3_path_style,
        };
        let clock = app::system_clock();
        let aws = Aws::connect(settings, clock.clone())
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
