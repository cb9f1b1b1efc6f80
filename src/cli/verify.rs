//! `latchkey verify`

use clap::Args;
use serde_json::{Value, json};

use super::client::ClientArgs;
use super::output::{self, print_line, text};
use super::progress::ProgressDisplay;
use super::verification::{print, print_verdict};
use super::verification_stream::{VerificationEvent, VerificationStream};
use super::{CommandResult, Failure};
use crate::app;

#[derive(Debug, Args)]
pub(super) struct Verify {
    /// ID or slug of the tenant.
    tenant: String,
    /// Version to verify. Default: the active version, or else the newest.
    #[arg(long = "of-version", value_name = "NUMBER")]
    of_version: Option<i32>,
    /// Follow the verification until it finishes. Exit code: 0 verified, 1 rejected, 3 inconclusive.
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    client: ClientArgs,
}

impl Verify {
    pub(super) async fn run(self) -> CommandResult {
        let body = self.of_version.map_or_else(|| json!({}), |version| json!({"version": version}));
        let verification = self.client.post(&["v1", "tenants", &self.tenant, "verifications"], &body).await?;
        if self.watch {
            return watch(&self.client, &text(&verification, "id")).await;
        }
        self.client.print(&verification, |verification| {
            print_line(format_args!(
                "Verification {} is {}.",
                text(verification, "id"),
                text(verification, "state")
            ));
        });
        Ok(())
    }
}

/// Follows a verification until it finishes: silently with `--json`, as a live table on a terminal, otherwise line by line.
pub(super) async fn watch(client: &ClientArgs, id: &str) -> CommandResult {
    let verification = if client.json {
        let verification = follow(client, id, |_| {}).await?;
        output::json(&verification);
        verification
    } else if output::is_interactive() {
        let verification = ProgressDisplay::new(app::system_clock()).follow(client, id).await?;
        print(&verification);
        verification
    } else {
        let verification = follow(client, id, print_event).await?;
        print_verdict(&verification);
        verification
    };
    match verification["verdict"].as_str() {
        Some("verified") => Ok(()),
        Some("rejected") => Err(Failure::Negative),
        other => {
            let verdict = other.unwrap_or("unknown");
            Err(Failure::Inconclusive(format!(
                "the verification finished without a result: {verdict}"
            )))
        }
    }
}

async fn follow(client: &ClientArgs, id: &str, mut report: impl FnMut(&VerificationEvent)) -> Result<Value, Failure> {
    let mut events = VerificationStream::new(client, id);
    loop {
        match events.next().await? {
            VerificationEvent::Finished(verification) => return Ok(verification),
            event => report(&event),
        }
    }
}

/// Prints one line.
fn print_event(event: &VerificationEvent) {
    match event {
        VerificationEvent::Check(check) => {
            let (status, name) = (text(check, "status"), text(check, "name"));
            print_line(format_args!("{status:<13} {name:<30} {}", text(check, "summary")));
        }
        VerificationEvent::Attempt(attempt) => {
            let until = text(attempt, "next_attempt_at");
            if !until.is_empty() {
                print_line(format_args!(
                    "waiting       AWS changes can take a minute to propagate; retrying at {until}"
                ));
            }
        }
        VerificationEvent::Finished(_) => {}
    }
}
