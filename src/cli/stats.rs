//! `latchkey stats`

use clap::Args;
use serde_json::Value;

use super::CommandResult;
use super::client::ClientArgs;
use super::output::{self, print_line, text};

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
}
