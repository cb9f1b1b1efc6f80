//! `latchkey stats`

use clap::Args;
use serde_json::Value;

use super::CommandResult;
use super::client::ClientArgs;
use super::output::{self, print_line, text};
use crate::domain::text::words;

#[derive(Debug, Args)]
pub(super) struct Stats {
    #[command(flatten)]
    client: ClientArgs,
}

impl Stats {
    pub(super) async fn run(self) -> CommandResult {
        let stats = self.client.get(&["v1", "stats"], &[]).await?;
        self.client.print(&stats, print);
        Ok(())
    }
}

/// How re-verification keeps up.
fn print_reverification(state: &Value) {
    let rate = |budget: &Value, member| budget[member].as_f64().map_or_else(String::new, |rate| format!("{rate:.1}"));
    let row = |budget: &Value| {
        vec![
            text(budget, "service"),
            rate(budget, "used"),
            rate(budget, "allowed"),
            text(budget, "configured"),
            text(budget, "throttled_at"),
            text(budget, "account_id"),
        ]
    };
    print_line("");
    let headings = ["Calls per second", "Used", "Allowed", "Configured", "Last throttled", "Account"];
    output::table(&headings, state["budgets"].as_array().into_iter().flatten().map(row));
    print_line("");
    let fields = ["due", "due_since", "confirmed_longest_ago"];
    let present = fields.iter().filter(|field| !state[**field].is_null());
    let mut rows: Vec<Vec<String>> = present.map(|field| vec![words(field), text(state, field)]).collect();
    let incident = &state["incident"];
    if incident.is_object() {
        let affected = text(incident, "affected");
        rows.push(vec![
            "incident".to_owned(),
            format!("{affected} failed together, since {}", text(incident, "started_at")),
        ]);
    }
    output::table(&["Re-verification", ""], rows);
}

fn print(stats: &Value) {
    let items = |value: &Value| value.as_array().cloned().unwrap_or_default();
    output::list(&items(&stats["tenants"]), &[("Tenants", "status"), ("", "count")]);
    let failing = items(&stats["failing_checks"]);
    if !failing.is_empty() {
        print_line("");
        output::list(&failing, &[("Failing check", "name"), ("Tenants", "tenants")]);
    }
    let verifications = &stats["verifications"];
    let seconds = |times: &Value, member| times[member].as_f64().map_or_else(String::new, |seconds| format!("{seconds:.1} s"));
    let row = |times: &Value| {
        vec![
            text(times, "verdict"),
            text(times, "count"),
            seconds(times, "p50_seconds"),
            seconds(times, "p95_seconds"),
        ]
    };
    let finished = items(&verifications["by_verdict"]);
    if !finished.is_empty() {
        print_line("");
        let heading = format!("Verifications, last {} days", text(verifications, "days"));
        output::table(&[&heading, "", "Median duration", "95th percentile"], finished.iter().map(row));
    }
    print_reverification(&stats["reverification"]);
}
