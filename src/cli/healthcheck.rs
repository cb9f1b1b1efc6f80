//! `latchkey healthcheck`, for container images without curl.

use std::time::Duration;

use clap::Args;

use super::{Failure, Outcome};
use crate::settings::ListenSettings;

#[derive(Debug, Args)]
pub(super) struct Healthcheck {
    #[command(flatten)]
    listen: ListenSettings,
}

impl Healthcheck {
    pub(super) async fn run(self) -> Outcome {
        let mut address = self.listen.private;
        if address.ip().is_unspecified() {
            address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
        }
        let request = reqwest::Client::new()
            .get(format!("http://{address}/healthz"))
            .timeout(Duration::from_secs(3));
        match request.send().await {
            Ok(answer) if answer.status().is_success() => Ok(()),
            _ => Err(Failure::Negative),
        }
    }
}
