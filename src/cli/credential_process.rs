//! `latchkey credential-process`

use clap::Args;
use serde_json::{Value, json};

use super::client::ClientArgs;
use super::{Failure, Outcome, output};

/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html>
#[derive(Debug, Args)]
pub struct CredentialProcess {
    /// Id or slug.
    #[arg(long)]
    tenant: String,
    /// `read`, or `read_write`, which it is when left out.
    #[arg(long)]
    access: Option<String>,
    /// How the keys of all objects have to begin: `invoices/2026/`, for instance.
    #[arg(long)]
    prefix: Option<String>,
    #[command(flatten)]
    client: ClientArgs,
}

impl CredentialProcess {
    pub async fn run(self) -> Outcome {
        let query = [("access", self.access.as_deref()), ("prefix", self.prefix.as_deref())];
        let given = self
            .client
            .get(&["internal", "v1", "tenants", &self.tenant, "credentials"], &query)
            .await?;
        let member = |name: &str| match &given[name] {
            Value::String(text) => Ok(text.clone()),
            _ => Err(Failure::Unknown(format!("the answer has no {name}"))),
        };
        output::json(&json!({
            "Version": 1,
            "AccessKeyId": member("AccessKeyId")?,
            "SecretAccessKey": member("SecretAccessKey")?,
            "SessionToken": member("Token")?,
            "Expiration": member("Expiration")?,
        }));
        Ok(())
    }
}
