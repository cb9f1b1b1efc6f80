//! `latchkey healthcheck`, for container images without curl.

use std::time::Duration;

use clap::Args;

use super::{CommandResult, Failure};
use crate::settings::ListenSettings;

#[derive(Debug, Args)]
pub(super) struct Healthcheck {
    #[command(flatten)]
    listen: ListenSettings,
}

impl Healthcheck {
    pub(super) async fn run(self) -> CommandResult {
        let private = self.listen.private_tls()?;
        // The private listener may require a client certificate, which this command does not have.
        let (mut address, tls) = match &private {
            Some(files) if files.client_ca.is_some() => (self.listen.public, self.listen.public_tls()?),
            _ => (self.listen.private, private),
        };
        if address.ip().is_unspecified() {
            address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
        }
        let scheme = if tls.is_some() { "https" } else { "http" };
        // The certificate is not valid for this address, and the connection does not leave the machine.
        let client = reqwest::Client::builder()
            .tls_danger_accept_invalid_certs(true)
            .timeout(Duration::from_secs(3))
            .build()
            .map_err(|fault| Failure::Inconclusive(fault.to_string()))?;
        let request = client.get(format!("{scheme}://{address}/healthz"));
        match request.send().await {
            Ok(answer) if answer.status().is_success() => Ok(()),
            _ => Err(Failure::Negative),
        }
    }
}
