//! `latchkey verification list|show`

use clap::{Args, Subcommand};
use serde_json::Value;

use super::CommandResult;
use super::client::ClientArgs;
use super::output::{self, print_line, text};

#[derive(Debug, Subcommand)]
pub(super) enum Verification {
    /// List a tenant's verifications, newest first.
    List(List),
    /// Show a verification with all its checks and the fixes for failed ones.
    Show(Show),
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// ID or slug of the tenant.
    tenant: String,
    /// Maximum number of verifications to list.
    #[arg(long, default_value = "20", value_parser = clap::value_parser!(u16).range(1..=200))]
    limit: u16,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
pub(super) struct Show {
    /// ID of the verification.
    id: String,
    #[command(flatten)]
    client: ClientArgs,
}

impl Verification {
    pub(super) async fn run(self) -> CommandResult {
        match self {
            Self::List(command) => command.run().await,
            Self::Show(command) => command.run().await,
        }
    }
}

impl List {
    async fn run(self) -> CommandResult {
        let limit = self.limit.to_string();
        let path = ["v1", "tenants", &self.tenant, "verifications"];
        let listed = self.client.get(&path, &[("limit", Some(&limit))]).await?;
        self.client.print(&listed["items"], |items| {
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
            output::table(&["ID", "Version", "Trigger", "Verdict", "Created"], rows);
        });
        Ok(())
    }
}

impl Show {
    async fn run(self) -> CommandResult {
        let verification = self.client.get(&["v1", "verifications", &self.id], &[]).await?;
        self.client.print(&verification, print);
        Ok(())
    }
}

/// Prints a verification with all its checks.
pub(super) fn print(verification: &Value) {
    let checks = verification["checks"].as_array().map_or(&[] as &[Value], Vec::as_slice);
    output::list(checks, &[("Status", "status"), ("Check", "name"), ("Finding", "summary")]);
    print_verdict(verification);
}

/// Prints the fix for each failed check, and the verdict.
pub(super) fn print_verdict(verification: &Value) {
    for check in verification["checks"].as_array().into_iter().flatten() {
        let fix = &check["fix"];
        if fix.is_object() {
            print_line(format_args!(
                "\n{} ({}): {}",
                text(check, "name"),
                text(fix, "document"),
                text(fix, "summary")
            ));
            if !fix["statement"].is_null() {
                print_line(format_args!("{:#}", fix["statement"]));
            }
        }
    }
    let verdict = text(verification, "verdict");
    let verdict = if verdict.is_empty() { "not finished" } else { &verdict };
    print_line(format_args!("\nVersion {}: {verdict}", text(verification, "version")));
    let leftovers = text(verification, "leftovers");
    if !leftovers.is_empty() {
        print_line(format_args!("Probe objects left in the bucket: {leftovers}"));
    }
}
