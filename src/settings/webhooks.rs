//! Webhooks.

use std::net::IpAddr;

use clap::Args;
use ipnet::IpNet;
use secrecy::SecretString;

use super::{ConfigError, Form};
use crate::domain::webhook::WebhookPolicy;
use crate::domain::webhook::secret::SigningKeys;
use crate::domain::webhook::target::AllowedNetworks;

/// Webhooks.
#[derive(Debug, Clone, Args)]
pub struct WebhookArgs {
    /// What the signing secrets of webhooks are derived from: 32 random bytes, in hexadecimal digits or base64. Several, separated by
    /// commas, to change it: the first is for new secrets, the others for those that were derived from them.
    #[arg(long, env = "LATCHKEY_WEBHOOK_KEY", hide_env_values = true, value_name = "KEY")]
    pub webhook_key: Option<SecretString>,

    /// Networks that webhooks may lead to although they are private, and by http too; as addresses or networks, separated by commas.
    #[arg(long, env = "LATCHKEY_WEBHOOK_ALLOW", value_delimiter = ',', value_name = "NETWORKS")]
    pub webhook_allow: Vec<String>,
}

impl WebhookArgs {
    pub fn policy(&self) -> Result<WebhookPolicy, ConfigError> {
        let key = Form(
            "LATCHKEY_WEBHOOK_KEY",
            "32 random bytes in hexadecimal digits or base64",
            "what openssl rand -hex 32 prints",
        );
        let networks = Form(
            "LATCHKEY_WEBHOOK_ALLOW",
            "addresses or networks separated by commas",
            "10.20.0.0/16,fd12:3456::/32",
        );
        let keys = self.webhook_key.as_ref().map(SigningKeys::parse).transpose();
        let named = self.webhook_allow.iter().map(|text| text.trim()).filter(|text| !text.is_empty());
        let allowed = named.map(|text| text.parse::<IpAddr>().map(IpNet::from).or_else(|_| networks.parse(text)));
        Ok(WebhookPolicy {
            keys: keys.map_err(|fault| key.wrong(fault))?.unwrap_or_default(),
            allowed: AllowedNetworks(allowed.collect::<Result<_, _>>()?),
        })
    }
}
