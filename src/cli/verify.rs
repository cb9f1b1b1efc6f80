//! `latchkey verify`

use std::collections::BTreeSet;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::client::ClientArgs;
use super::output::{self, text};
use super::{Failure, Outcome};
use crate::app;

/// Between two looks at a verification that runs.
const LOOK: Duration = Duration::from_millis(250);

#[derive(Debug, Args)]
pub struct Verify {
    /// Id or slug.
    tenant: String,
    /// The active version, or else the newest, when left out.
    #[arg(long = "of-version", value_name = "NUMBER")]
    of_version: Option<i32>,
    /// Follow it to its end: exit code 0 when it is verified, 1 when it is rejected, 3 when it stays open.
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    client: ClientArgs,
}

impl Verify {
    pub async fn run(self) -> Outcome {
        let body = self.of_version.map_or_else(|| json!({}), |version| json!({"version": version}));
        let verification = self.client.post(&["v1", "tenants", &self.tenant, "verifications"], &body).await?;
        if self.watch {
            return watch(&self.client, &text(&verification, "id")).await;
        }
        if self.client.json {
            output::json(&verification);
        } else {
            println!(
                "The verification {} is {}.",
                text(&verification, "id"),
                text(&verification, "state")
            );
        }
        Ok(())
    }
}

/// Follows a verification to its end, telling each check as it is found.
pub async fn watch(client: &ClientArgs, id: &str) -> Outcome {
    let clock = app::system_clock();
    let mut told = BTreeSet::new();
    let verification = loop {
        let verification = client.get(&["v1", "verifications", id], &[]).await?;
        if !client.json {
            let attempt = verification["attempt"].as_i64().unwrap_or_default();
            for check in verification["checks"].as_array().into_iter().flatten() {
                if told.insert((attempt, text(check, "name"))) {
                    println!(
                        "{:<13} {:<30} {}",
                        text(check, "status"),
                        text(check, "name"),
                        text(check, "summary")
                    );
                }
            }
        }
        if verification["state"] == "finished" {
            break verification;
        }
        let until = text(&verification, "next_attempt_at");
        if !client.json && !until.is_empty() && told.insert((verification["attempt"].as_i64().unwrap_or_default(), until.clone())) {
            println!("waiting       AWS can take a minute to know of a change; trying again at {until}");
        }
        clock.sleep(LOOK).await;
    };
    if client.json {
        output::json(&verification);
    } else {
        print_verdict(&verification);
    }
    match verification["verdict"].as_str() {
        Some("verified") => Ok(()),
        Some("rejected") => Err(Failure::No),
        other => Err(Failure::Unknown(format!(
            "the verification ended as {}",
            other.unwrap_or("nothing")
        ))),
    }
}

/// Prints a verification with all its checks.
pub fn print(verification: &Value) {
    let checks = verification["checks"].as_array().into_iter().flatten();
    let rows = checks.map(|check| vec![text(check, "status"), text(check, "name"), text(check, "summary")]);
    output::table(&["Status", "Check", "Finding"], rows);
    print_verdict(verification);
}

fn print_verdict(verification: &Value) {
    for check in verification["checks"].as_array().into_iter().flatten() {
        let fix = &check["fix"];
        if fix.is_object() {
            println!("\n{} ({}): {}", text(check, "name"), text(fix, "document"), text(fix, "summary"));
            if !fix["statement"].is_null() {
                println!("{:#}", fix["statement"]);
            }
        }
    }
    let verdict = text(verification, "verdict");
    println!(
        "\nVersion {}: {}",
        text(verification, "version"),
        if verdict.is_empty() { "not finished" } else { &verdict }
    );
    let leftovers = text(verification, "leftovers");
    if !leftovers.is_empty() {
        println!("Still in the bucket: {leftovers}");
    }
}
