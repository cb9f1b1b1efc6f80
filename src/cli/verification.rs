//! `latchkey verification list|show`

use clap::{Args, Subcommand};
use serde_json::Value;

use super::Outcome;
use super::client::ClientArgs;
use super::output::{self, say, text};

#[derive(Debug, Subcommand)]
pub enum Verification {
    /// List a tenant's verifications, newest first.
    List(List),
    /// Show one with all its checks, and what would mend those that failed.
    Show(Show),
}

#[derive(Debug, Args)]
pub struct List {
    /// Id or slug.
    tenant: String,
    /// How many.
    #[arg(long, default_value = "20", value_parser = clap::value_parser!(u16).range(1..=200))]
    limit: u16,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
pub struct Show {
    /// The verification's id.
    id: String,
    #[command(flatten)]
    client: ClientArgs,
}

impl Verification {
    pub async fn run(self) -> Outcome {
        match self {
            Self::List(command) => command.run().await,
            Self::Show(command) => command.run().await,
        }
    }
}

impl List {
    async fn run(self) -> Outcome {
        let limit = self.limit.to_string();
        let path = ["v1", "tenants", &self.tenant, "verifications"];
        let listed = self.client.get(&path, &[("limit", Some(&limit))]).await?;
        self.client.show(&listed["items"], |items| {
            let row = |verification: &Value| {
                let verdict = text(verification, "verdict");
                vec![
                    text(verification, "id"),
                    text(verification, "version"),
                    text(verification, "trigger"),
                    if verdict.is_empty() { text(verification, "state") } else { verdict },
                    text(verification, "created_at"),
                ]
            };
            let rows: Vec<_> = items.as_array().into_iter().flatten().map(row).collect();
            output::table(&["Id", "Version", "Trigger", "Verdict", "Asked for"], rows);
        });
        Ok(())
    }
}

impl Show {
    async fn run(self) -> Outcome {
        let verification = self.client.get(&["v1", "verifications", &self.id], &[]).await?;
        self.client.show(&verification, print);
        Ok(())
    }
}

/// Prints a verification with all its checks.
pub fn print(verification: &Value) {
    let checks = verification["checks"].as_array().map_or(&[] as &[Value], Vec::as_slice);
    output::list(checks, &[("Status", "status"), ("Check", "name"), ("Finding", "summary")]);
    print_verdict(verification);
}

/// Prints what it came to, with what would mend each check that failed.
pub fn print_verdict(verification: &Value) {
    for check in verification["checks"].as_array().into_iter().flatten() {
        let fix = &check["fix"];
        if fix.is_object() {
            say(format_args!(
                "\n{} ({}): {}",
                text(check, "name"),
                text(fix, "document"),
                text(fix, "summary")
            ));
            if !fix["statement"].is_null() {
                say(format_args!("{:#}", fix["statement"]));
            }
        }
    }
    let verdict = text(verification, "verdict");
    let verdict = if verdict.is_empty() { "not finished" } else { &verdict };
    say(format_args!("\nVersion {}: {verdict}", text(verification, "version")));
    let leftovers = text(verification, "leftovers");
    if !leftovers.is_empty() {
        say(format_args!("Still in the bucket: {leftovers}"));
    }
}
