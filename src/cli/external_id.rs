//! `latchkey external-id rotate|abandon|end`

use clap::{Args, Subcommand};
use serde_json::json;

use super::CommandResult;
use super::client::ClientArgs;
use super::tenant::print_tenant;

#[derive(Debug, Subcommand)]
pub(super) enum ExternalId {
    /// Issue the next external ID. Both IDs are accepted until a verification succeeds with the new one and the old one is ended.
    Rotate(TenantArgs),
    /// Abandon the next external ID before a verification has succeeded with it.
    Abandon(TenantArgs),
    /// Stop accepting the previous external ID. A verification then checks that it is denied.
    End(TenantArgs),
}

#[derive(Debug, Args)]
pub(super) struct TenantArgs {
    /// ID or slug of the tenant.
    tenant: String,
    #[command(flatten)]
    client: ClientArgs,
}

impl ExternalId {
    pub(super) async fn run(self) -> CommandResult {
        let (args, action) = match &self {
            Self::Rotate(args) => (args, "rotate"),
            Self::Abandon(args) => (args, "next"),
            Self::End(args) => (args, "previous"),
        };
        let path = ["v1", "tenants", &args.tenant, "external-id", action];
        let tenant = match &self {
            Self::Rotate(_) => args.client.post(&path, &json!({})).await?,
            Self::Abandon(_) | Self::End(_) => args.client.delete_with(&path, &json!({})).await?,
        };
        args.client.print(&tenant, print_tenant);
        Ok(())
    }
}
