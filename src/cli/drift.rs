//! `latchkey drift`

use clap::Args;
use serde_json::Value;

use super::CommandResult;
use super::client::ClientArgs;
use super::output::{self, text};

#[derive(Debug, Args)]
pub(super) struct Drift {
    /// Only drifts of this tenant (ID or slug).
    #[arg(long)]
    tenant: Option<String>,
    /// Only drifts of this check, for example `key-suitable`.
    #[arg(long)]
    check: Option<String>,
    /// Only drifts found at this time or later, or within this time until now, for example `24h`.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    #[command(flatten)]
    client: ClientArgs,
}

impl Drift {
    pub(super) async fn run(self) -> CommandResult {
        let filter = [
            ("tenant", self.tenant.as_deref()),
            ("check", self.check.as_deref()),
            ("since", self.since.as_deref()),
        ];
        let items = self.client.get_all(&["v1", "drift"], &filter).await?;
        self.client.print(&Value::Array(items.clone()), |_| {
            let headings = ["Found", "Not before", "Tenant", "Check", "Before", "Now", "Verification"];
            output::table(&headings, items.iter().map(row));
        });
        Ok(())
    }
}

fn row(drift: &Value) -> Vec<String> {
    vec![
        text(drift, "found_at"),
        text(drift, "not_before"),
        text(drift, "slug"),
        text(drift, "check"),
        text(&drift["before"], "summary"),
        text(&drift["after"], "summary"),
        text(drift, "verification_id"),
    ]
}
