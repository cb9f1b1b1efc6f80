//! `latchkey events`

use std::time::Duration;

use clap::Args;
use serde_json::Value;

use super::Outcome;
use super::client::ClientArgs;
use super::output::{self, text};
use crate::app;

/// How often what is new is asked for.
const PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug, Args)]
pub struct Events {
    /// Of this tenant alone, by id or slug.
    #[arg(long)]
    tenant: Option<String>,
    /// Of this action alone: `tenant.suspended`, for instance.
    #[arg(long)]
    action: Option<String>,
    /// By this actor alone: `token:<id>`, `user:<subject>`, `invite:<id>`, `operator` or `system`.
    #[arg(long)]
    actor: Option<String>,
    /// After the event of this id.
    #[arg(long, value_name = "ID")]
    after: Option<String>,
    /// Go on with what comes, until interrupted.
    #[arg(long)]
    follow: bool,
    #[command(flatten)]
    client: ClientArgs,
}

impl Events {
    /// As JSON, each event is a line of its own.
    pub async fn run(self) -> Outcome {
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
                output::table(&["At", "Who", "What", "Tenant", "From", "Detail", "Id"], items.iter().map(row));
            }
            is_first = false;
            after = page["next"].as_str().map(str::to_owned).or(after);
            if items.is_empty() {
                if !self.follow {
                    return Ok(());
                }
                clock.sleep(PAUSE).await;
            }
        }
    }
}

fn row(event: &Value) -> Vec<String> {
    let actor = &event["actor"];
    let who = ["name", "subject", "id", "kind"].iter().map(|member| text(actor, member));
    let who = who.into_iter().find(|text| !text.is_empty()).unwrap_or_default();
    let member = |name| text(event, name);
    vec![
        member("at"),
        who,
        member("action"),
        member("tenant_id"),
        member("address"),
        member("detail"),
        member("id"),
    ]
}
