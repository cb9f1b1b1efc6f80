//! `latchkey campaign start|list|show|end`

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::CommandResult;
use super::client::ClientArgs;
use super::output::{self, print_line, text};

#[derive(Debug, Subcommand)]
pub(super) enum Campaign {
    /// Ask customers by mail to update the documents that they applied.
    Start(Start),
    /// List campaigns, newest first.
    List(List),
    /// Show how far a campaign is, and its tenants.
    Show(Show),
    /// End a campaign. Nobody is notified any more.
    End(One),
}

#[derive(Debug, Args)]
pub(super) struct Start {
    /// Why customers should update: one line, which they read in the mail and in the form.
    #[arg(long)]
    message: String,
    /// Version of the documents. Default: the current one.
    #[arg(long, value_name = "NUMBER")]
    to: Option<i32>,
    /// Date that customers read in the mail, such as 2027-01-31. Nothing happens on it.
    #[arg(long, value_name = "DATE")]
    deadline: Option<String>,
    /// Only tenants with this status. Default: active and degraded tenants.
    #[arg(long)]
    status: Option<String>,
    /// Only tenants that may use this mode.
    #[arg(long)]
    mode: Option<String>,
    /// Only tenants whose latest finished verification failed this check.
    #[arg(long, value_name = "CHECK")]
    failing: Option<String>,
    /// Only tenants with words that begin like these in the slug, name or reference.
    #[arg(long, value_name = "WORDS")]
    search: Option<String>,
    /// Only count the tenants. Nobody is notified.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
pub(super) struct List {
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
pub(super) struct Show {
    /// ID of the campaign.
    id: String,
    /// Only tenants in this state: `open`, `not_notified`, `not_opened`, `opened`, `verified`, `failing` or `without_contact`.
    #[arg(long, default_value = "open")]
    state: String,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
pub(super) struct One {
    /// ID of the campaign.
    id: String,
    #[command(flatten)]
    client: ClientArgs,
}

impl Campaign {
    pub(super) async fn run(self) -> CommandResult {
        match self {
            Self::Start(command) => command.run().await,
            Self::List(command) => command.run().await,
            Self::Show(command) => command.run().await,
            Self::End(command) => command.end().await,
        }
    }
}

impl Start {
    async fn run(self) -> CommandResult {
        let body = json!({
            "document_version": self.to,
            "message": self.message,
            "deadline": self.deadline,
            "status": self.status,
            "mode": self.mode,
            "failing_check": self.failing,
            "q": self.search,
            "dry_run": self.dry_run,
        });
        let started = self.client.post(&["v1", "campaigns"], &body).await?;
        self.client.print(&started, |started| {
            if self.dry_run {
                print_line(format_args!(
                    "{} tenants were not verified against version {}. {} of them have no contact that gets mail.",
                    text(started, "tenants"),
                    text(started, "document_version"),
                    text(started, "without_contact"),
                ));
            } else {
                print_line(text(started, "id"));
            }
        });
        Ok(())
    }
}

impl List {
    async fn run(self) -> CommandResult {
        let items = self.client.get_all(&["v1", "campaigns"], &[]).await?;
        self.client.print(&Value::Array(items), |items| {
            let columns = [
                ("ID", "id"),
                ("Version", "document_version"),
                ("Message", "message"),
                ("Deadline", "deadline"),
                ("Started", "created_at"),
                ("Ended", "ended_at"),
            ];
            output::list(items.as_array().map_or(&[], Vec::as_slice), &columns);
        });
        Ok(())
    }
}

impl Show {
    async fn run(self) -> CommandResult {
        let mut campaign = self.client.get(&["v1", "campaigns", &self.id], &[]).await?;
        let query = [("state", Some(self.state.as_str()))];
        let tenants = self.client.get_all(&["v1", "campaigns", &self.id, "tenants"], &query).await?;
        campaign["items"] = Value::Array(tenants);
        self.client.print(&campaign, |campaign| {
            let progress = &campaign["progress"];
            let rows = [
                ("tenants", "tenants"),
                ("notified", "notified"),
                ("opened the link", "opened"),
                ("verified", "verified"),
                ("failing a check", "failing"),
                ("without a contact", "without_contact"),
            ];
            let heading = format!("Version {}", text(campaign, "document_version"));
            output::table(
                &[&heading, "Tenants"],
                rows.map(|(label, field)| vec![label.to_owned(), text(progress, field)]),
            );
            print_line("");
            let columns = [
                ("Slug", "slug"),
                ("Name", "name"),
                ("Status", "status"),
                ("Notices", "notices"),
                ("Notified", "notified_at"),
                ("Opened", "opened_at"),
                ("Verified", "verified_at"),
                ("Failing checks", "failing_checks"),
                ("Has contact", "has_contact"),
            ];
            output::list(campaign["items"].as_array().map_or(&[], Vec::as_slice), &columns);
        });
        Ok(())
    }
}

impl One {
    async fn end(self) -> CommandResult {
        let ended = self.client.post(&["v1", "campaigns", &self.id, "end"], &json!({})).await?;
        self.client.print(&ended, |_| print_line("Ended."));
        Ok(())
    }
}
