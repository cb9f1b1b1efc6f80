//! `latchkey events`

use std::time::Duration;

use clap::Args;
use serde_json::Value;

use super::CommandResult;
use super::client::ClientArgs;
use super::output::{self, text};
use crate::app;

/// Interval between polls.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

#[derive(Debug, Args)]
pub(super) struct Events {
    /// Only events of this tenant (ID or slug).
    #[arg(long)]
    tenant: Option<String>,
    /// Only events of this action, for example `tenant.suspended`.
    #[arg(long)]
    action: Option<String>,
    /// Only events by this actor: `token:<id>`, `user:<subject>`, `invite:<id>`, `operator` or `system`.
    #[arg(long)]
    actor: Option<String>,
    /// Only events after the one with this ID.
    #[arg(long, value_name = "ID")]
    after: Option<String>,
    /// Keep printing new events until interrupted.
    #[arg(long)]
    follow: bool,
    #[command(flatten)]
    client: ClientArgs,
}

impl Events {
    /// With `--json`, prints one event per line.
    pub(super) async fn run(self) -> CommandResult {
        let clock = app::system_clock();
        let mut after = self.after.clone();
        let mut is_first = true;
        loop {
            let query = [
                ("tenant", self.tenant.as_deref()),
                ("action", self.action.as_deref()),
                ("actor", self.actor.as_deref()),
                ("after", after.as_deref()),
                ("limit", Some("1000")),
            ];
            let page = self.client.get(&["v1", "events"], &query).await?;
            let items = page["items"].as_array().cloned().unwrap_or_default();
            if self.client.json {
                for item in &items {
                    println!("{item}");
                }
            } else if is_first || !items.is_empty() {
                output::table(
                    &["Time", "Actor", "Action", "Tenant", "Address", "Detail", "ID"],
                    items.iter().map(row),
                );
            }
            is_first = false;
            after = page["next"].as_str().map(str::to_owned).or(after);
            if items.is_empty() {
                if !self.follow {
                    return Ok(());
                }
                clock.sleep(POLL_INTERVAL).await;
            }
        }
    }
}

fn row(event: &Value) -> Vec<String> {
    let actor = &event["actor"];
    let names = ["name", "subject", "id", "kind"].iter().map(|field| text(actor, field));
    let actor = names.into_iter().find(|name| !name.is_empty()).unwrap_or_default();
    let field = |name| text(event, name);
    vec![
        field("at"),
        actor,
        field("action"),
        field("tenant_id"),
        field("address"),
        field("detail"),
        field("id"),
    ]
}
