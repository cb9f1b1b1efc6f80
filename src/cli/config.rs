//! `latchkey config list|show`

use clap::{Args, Subcommand};
use serde_json::Value;

use super::CommandResult;
use super::client::ClientArgs;
use super::output::{self, text};
use crate::domain::text::words;

#[derive(Debug, Subcommand)]
pub(super) enum Config {
    /// List a tenant's storage configs, newest first.
    List(List),
    /// Show one version of a tenant's storage config.
    Show(Show),
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// ID or slug of the tenant.
    tenant: String,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
pub(super) struct Show {
    /// ID or slug of the tenant.
    tenant: String,
    /// Version number.
    version: String,
    #[command(flatten)]
    client: ClientArgs,
}

impl Config {
    pub(super) async fn run(self) -> CommandResult {
        match self {
            Self::List(command) => command.run().await,
            Self::Show(command) => command.run().await,
        }
    }
}

impl List {
    async fn run(self) -> CommandResult {
        let listed = self.client.get(&["v1", "tenants", &self.tenant, "storage-configs"], &[]).await?;
        self.client.print(&listed["items"], |items| {
            let columns = [
                ("Version", "version"),
                ("Mode", "mode"),
                ("Bucket", "bucket_arn"),
                ("Region", "bucket_region"),
                ("Submitted", "created_at"),
            ];
            output::list(items.as_array().map_or(&[], Vec::as_slice), &columns);
        });
        Ok(())
    }
}

impl Show {
    async fn run(self) -> CommandResult {
        let path = ["v1", "tenants", &self.tenant, "storage-configs", &self.version];
        let config = self.client.get(&path, &[]).await?;
        self.client.print(&config, |config| {
            output::table(&["Version", &text(config, "version")], rows(config, ""));
        });
        Ok(())
    }
}

/// One row for each field that is set.
pub(super) fn rows(config: &Value, prefix: &str) -> Vec<Vec<String>> {
    let fields = [
        "mode",
        "bucket_arn",
        "bucket_region",
        "bucket_account_id",
        "key_arn",
        "role_arn",
        "created_at",
        "verified_at",
    ];
    let present = fields.iter().filter(|field| !config[**field].is_null());
    present
        .map(|field| vec![format!("{prefix}{}", words(field)), text(config, field)])
        .collect()
}
