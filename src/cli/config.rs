//! `latchkey config list|show`

use clap::{Args, Subcommand};
use serde_json::Value;

use super::Outcome;
use super::client::ClientArgs;
use super::output::{self, text};

#[derive(Debug, Subcommand)]
pub enum Config {
    /// List the versions that a tenant submitted, newest first.
    List(List),
    /// Show one of them.
    Show(Show),
}

#[derive(Debug, Args)]
pub struct List {
    /// Id or slug.
    tenant: String,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
pub struct Show {
    /// Id or slug.
    tenant: String,
    /// The version's number.
    version: String,
    #[command(flatten)]
    client: ClientArgs,
}

impl Config {
    pub async fn run(self) -> Outcome {
        match self {
            Self::List(command) => command.run().await,
            Self::Show(command) => command.run().await,
        }
    }
}

impl List {
    async fn run(self) -> Outcome {
        let listed = self.client.get(&["v1", "tenants", &self.tenant, "storage-configs"], &[]).await?;
        self.client.show(&listed["items"], |items| {
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
    async fn run(self) -> Outcome {
        let path = ["v1", "tenants", &self.tenant, "storage-configs", &self.version];
        let config = self.client.get(&path, &[]).await?;
        self.client.show(&config, |config| {
            output::table(&["Version", &text(config, "version")], rows(config, ""));
        });
        Ok(())
    }
}

/// What was submitted, member by member.
pub fn rows(config: &Value, of: &str) -> Vec<Vec<String>> {
    let members = [
        "mode",
        "bucket_arn",
        "bucket_region",
        "bucket_account_id",
        "key_arn",
        "role_arn",
        "created_at",
        "verified_at",
    ];
    let told = members.iter().filter(|member| !config[**member].is_null());
    told.map(|member| vec![format!("{of}{}", member.replace('_', " ")), text(config, member)])
        .collect()
}
