//! `latchkey external-id rotate|abandon|end`

use clap::{Args, Subcommand};
use serde_json::json;

use super::Outcome;
use super::client::ClientArgs;
use super::tenant::print_tenant;

#[derive(Debug, Subcommand)]
pub enum ExternalId {
    /// Issue the next one. Both are accepted until the next one is proven and the previous one is ended.
    Rotate(Of),
    /// Take the next one back, before it is proven.
    Abandon(Of),
    /// End the previous one: a verification has to see it refused.
    End(Of),
}

#[derive(Debug, Args)]
pub struct Of {
    /// Id or slug.
    tenant: String,
    #[command(flatten)]
    client: ClientArgs,
}

impl ExternalId {
    pub async fn run(self) -> Outcome {
        let (of, last) = match &self {
            Self::Rotate(of) => (of, "rotate"),
            Self::Abandon(of) => (of, "next"),
            Self::End(of) => (of, "previous"),
        };
        let path = ["v1", "tenants", &of.tenant, "external-id", last];
        let tenant = match &self {
            Self::Rotate(_) => of.client.post(&path, &json!({})).await?,
            Self::Abandon(_) | Self::End(_) => of.client.delete_with(&path, &json!({})).await?,
        };
        of.client.show(&tenant, print_tenant);
        Ok(())
    }
}
