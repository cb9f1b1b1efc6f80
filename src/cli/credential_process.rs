//! `latchkey credential-process`

use clap::Args;
use serde_json::{Value, json};

use super::client::ClientArgs;
use super::{CommandResult, Failure, output};

/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html>
#[derive(Debug, Args)]
pub(super) struct CredentialProcess {
    /// ID or slug of the tenant.
    #[arg(long)]
    tenant: String,
    /// Access to request: `read` or `read_write` (default).
    #[arg(long)]
    access: Option<String>,
    /// Limit the credentials to object keys with this prefix, for example `invoices/2026/`.
    #[arg(long)]
    prefix: Option<String>,
    #[command(flatten)]
    client: ClientArgs,
}

impl CredentialProcess {
    pub(super) async fn run(self) -> CommandResult {
        let query = [("access", self.access.as_deref()), ("prefix", self.prefix.as_deref())];
        let credentials = self
            .client
            .get(&["internal", "v1", "tenants", &self.tenant, "credentials"], &query)
            .await?;
        let field = |name: &str| match &credentials[name] {
            Value::String(text) => Ok(text.clone()),
            _ => Err(Failure::Inconclusive(format!("the response has no {name}"))),
        };
        output::json(&json!({
            "Version": 1,
            "AccessKeyId": field("AccessKeyId")?,
            "SecretAccessKey": field("SecretAccessKey")?,
            "SessionToken": field("Token")?,
            "Expiration": field("Expiration")?,
        }));
        Ok(())
    }
}
