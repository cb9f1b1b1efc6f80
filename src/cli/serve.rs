//! `latchkey serve` and `latchkey worker`

use clap::Args;

use super::{CommandResult, Failure};
use crate::app::{self, AppSettings};
use crate::settings::{ServerSettings, Settings};
use crate::telemetry;

#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    server: ServerSettings,
}

#[derive(Debug, Args)]
pub(super) struct Worker {
    #[command(flatten)]
    settings: Settings,
}

impl Serve {
    pub(super) async fn run(self) -> CommandResult {
        start(self.settings, Some(self.server)).await
    }
}

impl Worker {
    pub(super) async fn run(self) -> CommandResult {
        start(self.settings, None).await
    }
}

async fn start(settings: Settings, server: Option<ServerSettings>) -> CommandResult {
    let telemetry = settings.telemetry.clone();
    let settings = AppSettings::new(settings, server)?;
    let traces = telemetry::start(telemetry).map_err(|error| Failure::Inconclusive(error.to_string()))?;
    let ended = Box::pin(app::run(settings)).await;
    traces.shut_down().await;
    ended.map_err(|error| Failure::Inconclusive(error.to_string()))
}
