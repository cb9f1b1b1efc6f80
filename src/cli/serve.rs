//! `latchkey serve` and `latchkey worker`

use clap::Args;

use super::{Failure, Outcome};
use crate::app::{self, AppSettings};
use crate::settings::{
    DatabaseArgs, FrontArgs, InternalArgs, ListenArgs, OidcArgs, TelemetryArgs, VendorArgs, WebhookArgs, WorkerArgs, WorkerSettings,
};
use crate::telemetry;

#[derive(Debug, Args)]
pub struct Serve {
    #[command(flatten)]
    listen: ListenArgs,
    #[command(flatten)]
    front: FrontArgs,
    #[command(flatten)]
    internal: InternalArgs,
    #[command(flatten)]
    oidc: OidcArgs,
    #[command(flatten)]
    work: Work,
    /// Leave the queue to other processes.
    #[arg(long, env = "LATCHKEY_NO_WORKER")]
    no_worker: bool,
}

#[derive(Debug, Args)]
pub struct Work {
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

impl Serve {
    pub async fn run(self) -> Outcome {
        let listen = self.listen.listen()?;
        let front = self.front.front(listen.public)?;
        let stale_for = self.internal.stale_for()?;
        let worker = self.work.worker.worker()?;
        let serve = app::ServeSettings {
            listen,
            front,
            stale_for,
            identity_provider: self.oidc.provider()?,
        };
        self.work.start(Some(serve), (!self.no_worker).then_some(worker)).await
    }
}

impl Work {
    pub async fn run(self) -> Outcome {
        let worker = self.worker.worker()?;
        self.start(None, Some(worker)).await
    }

    async fn start(self, serve: Option<app::ServeSettings>, worker: Option<WorkerSettings>) -> Outcome {
        let settings = AppSettings {
            database: self.database.options()?,
            database_connections: self.database.database_connections,
            vendor: self.vendor.vendor()?,
            patience: self.worker.patience()?,
            s3_path_style: self.worker.s3_path_style,
            webhooks: self.webhooks.policy()?,
            serve,
            worker,
        };
        let traces = telemetry::start(self.telemetry.telemetry()?).map_err(|error| Failure::Unknown(error.to_string()))?;
        let ended = Box::pin(app::run(settings)).await;
        traces.end().await;
        ended.map_err(|error| Failure::Unknown(error.to_string()))
    }
}
