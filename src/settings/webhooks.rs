//! Settings of webhooks.

use clap::Args;
use ipnet::IpNet;
use secrecy::SecretString;

use super::value::{Format, network};
use crate::domain::webhook::WebhookPolicy;
use crate::domain::webhook::secret::SigningKeys;
use crate::domain::webhook::target::AllowedNetworks;

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Webhooks")]
pub struct WebhookSettings {
    /// Key from which webhook signing secrets are derived: 32 random bytes as hexadecimal digits or base64 (`openssl rand -hex 32`).
    /// To rotate it, put the new key first and keep the old ones after it, separated by commas.
    #[arg(long, env = "LATCHKEY_WEBHOOK_KEY", hide_env_values = true, value_name = "KEY",
          value_parser = Format("32 random bytes as hexadecimal digits or base64", "the output of `openssl rand -hex 32`").parser(keys))]
    webhook_key: Option<SigningKeys>,

    /// Private addresses or networks that webhooks may be sent to, also over plain HTTP, separated by commas.
    #[arg(long, env = "LATCHKEY_WEBHOOK_ALLOW", value_delimiter = ',', value_name = "NETWORKS",
          value_parser = Format("addresses or networks separated by commas", "10.20.0.0/16,fd12:3456::/32").parser(network))]
    webhook_allow: Vec<IpNet>,
}

impl WebhookSettings {
    pub fn policy(self) -> WebhookPolicy {
        WebhookPolicy {
            keys: self.webhook_key.unwrap_or_default(),
            allowed: AllowedNetworks(self.webhook_allow),
        }
    }
}

fn keys(text: &str) -> Result<SigningKeys, String> {
    SigningKeys::parse(&SecretString::from(text))
}
