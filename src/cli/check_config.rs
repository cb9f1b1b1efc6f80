//! `latchkey check-config`

use clap::Args;

use super::Outcome;
use crate::settings::{DatabaseArgs, FrontArgs, ListenArgs, LogArgs, VendorArgs, WorkerArgs};

#[derive(Debug, Args)]
pub struct CheckConfig {
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
    log: LogArgs,
}

impl CheckConfig {
    pub fn run(self) -> Outcome {
        let listen = self.listen.listen()?;
        self.front.front(listen.public)?;
        self.database.options()?;
        let vendor = self.vendor.vendor()?;
        self.worker.worker()?;
        self.worker.patience()?;
        self.log.filter()?;
        self.log.format()?;
        let modes: Vec<String> = vendor.modes().iter().map(ToString::to_string).collect();
        println!("The settings are right. Modes on offer: {}.", modes.join(", "));
        Ok(())
    }
}
