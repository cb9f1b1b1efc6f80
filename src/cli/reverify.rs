//! `latchkey reverify`

use chrono::{DateTime, Utc};
use clap::Args;
use serde_json::{Value, json};

use super::client::ClientArgs;
use super::output::{self, text};
use super::{CommandResult, Failure};

#[derive(Debug, Args)]
pub(super) struct Reverify {
    /// All tenants.
    #[arg(long, conflicts_with_all = ["status", "mode", "failing", "search"])]
    all: bool,
    /// Only tenants with this status.
    #[arg(long)]
    status: Option<String>,
    /// Only tenants that may choose this mode.
    #[arg(long)]
    mode: Option<String>,
    /// Only tenants whose most recent finished verification failed this check.
    #[arg(long, value_name = "CHECK")]
    failing: Option<String>,
    /// Only tenants with words that begin like these in the slug, name or reference.
    #[arg(long, value_name = "WORDS")]
    search: Option<String>,
    /// Verify within this time, at random times. `0s` means now.
    #[arg(long, value_name = "DURATION", conflicts_with = "not_before")]
    over: Option<humantime::Duration>,
    /// Instead: do not verify again before this time.
    #[arg(long, value_name = "TIME")]
    not_before: Option<DateTime<Utc>>,
    /// Reason, recorded in the audit log.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    client: ClientArgs,
}

impl Reverify {
    pub(super) async fn run(self) -> CommandResult {
        let filters = [
            ("status", &self.status),
            ("mode", &self.mode),
            ("failing_check", &self.failing),
            ("q", &self.search),
        ];
        if !self.all && filters.iter().all(|(_, value)| value.is_none()) {
            return Err(Failure::Usage(
                "name the tenants with --status, --mode, --failing or --search, or use --all".into(),
            ));
        }
        let mut body = json!({"reason": self.reason});
        for (field, value) in filters {
            if let Some(value) = value {
                body[field] = Value::from(value.as_str());
            }
        }
        match (self.over, self.not_before) {
            (_, Some(time)) => body["not_before"] = json!(time),
            (Some(over), None) => body["within_seconds"] = json!(over.as_secs()),
            (None, None) => body["within_seconds"] = json!(0),
        }
        let requested = self.client.post(&["v1", "reverifications"], &body).await?;
        self.client.print(&requested, |requested| {
            let number = text(requested, "storage_configs");
            output::print_line(if self.not_before.is_some() {
                format!("{number} storage configs are put off.")
            } else {
                format!("{number} storage configs will be verified in full.")
            });
        });
        Ok(())
    }
}
