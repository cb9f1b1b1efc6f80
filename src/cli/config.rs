//! `latchkey config`: storage configs, and the approval of changes.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::client::ClientArgs;
use super::output::{self, text};
use super::{CommandResult, Failure};
use crate::domain::text::words;

#[derive(Debug, Subcommand)]
pub(super) enum Config {
    /// List a tenant's storage configs, newest first.
    List(List),
    /// Show one version of a tenant's storage config.
    Show(Show),
    /// List changes that are waiting for approval, the oldest first.
    Approvals(Approvals),
    /// Approve a change, which takes effect once it has been verified again.
    Approve(Decide),
    /// Decline a change. The active version stays in use.
    Decline(Decide),
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

#[derive(Debug, Args)]
pub(super) struct Approvals {
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
pub(super) struct Decide {
    /// ID or slug of the tenant.
    tenant: String,
    /// Version number.
    version: String,
    /// Reason, recorded in the audit log.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    client: ClientArgs,
}

impl Config {
    pub(super) async fn run(self) -> CommandResult {
        match self {
            Self::List(command) => command.run().await,
            Self::Show(command) => command.run().await,
            Self::Approvals(command) => command.run().await,
            Self::Approve(command) => command.approve().await,
            Self::Decline(command) => command.decline().await,
        }
    }
}

impl List {
    async fn run(self) -> CommandResult {
        let path = ["v1", "tenants", &self.tenant, "storage-configs"];
        let listed = self.client.get_all(&path, &[]).await?;
        self.client.print(&listed.into(), |items| {
            let columns = [
                ("Version", "version"),
                ("Mode", "mode"),
                ("Bucket", "bucket_arn"),
                ("Prefix", "prefix"),
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

impl Approvals {
    async fn run(self) -> CommandResult {
        let items = self.client.get_all(&["v1", "approvals"], &[]).await?;
        self.client.print(&Value::Array(items.clone()), |_| {
            let row = |item: &Value| {
                vec![
                    text(item, "slug"),
                    text(&item["config"], "version"),
                    text(&item["replaces"], "bucket_arn"),
                    text(&item["config"], "bucket_arn"),
                    text(&item["config"], "bucket_account_id"),
                    text(item, "requested_at"),
                ]
            };
            let headings = ["Tenant", "Version", "Active bucket", "New bucket", "New account", "Requested"];
            output::table(&headings, items.iter().map(row));
        });
        Ok(())
    }
}

impl Decide {
    async fn post(&self, decision: &str) -> Result<Value, Failure> {
        let path = ["v1", "tenants", &self.tenant, "storage-configs", &self.version, decision];
        self.client.post(&path, &json!({"reason": self.reason})).await
    }

    async fn approve(self) -> CommandResult {
        let queued = self.post("approve").await?;
        self.client.print(&queued, |queued| {
            output::print_line(format!(
                "Approved. Version {} takes effect once verification {} has passed.",
                text(queued, "version"),
                text(queued, "id")
            ));
        });
        Ok(())
    }

    async fn decline(self) -> CommandResult {
        let declined = self.post("decline").await?;
        self.client
            .print(&declined, |_| output::print_line("Declined. The active version stays in use."));
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
        "prefix",
        "access",
        "sample_object",
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
