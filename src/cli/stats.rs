//! `latchkey stats`

use clap::Args;
use serde_json::Value;

use super::Outcome;
use super::client::ClientArgs;
use super::output::{self, say, text};

#[derive(Debug, Args)]
pub struct Stats {
    #[command(flatten)]
    client: ClientArgs,
}

impl Stats {
    pub async fn run(self) -> Outcome {
        let stats = self.client.get(&["v1", "stats"], &[]).await?;
        self.client.show(&stats, print);
        Ok(())
    }
}

fn print(stats: &Value) {
    let items = |value: &Value| value.as_array().cloned().unwrap_or_default();
    output::list(&items(&stats["tenants"]), &[("Tenants", "status"), ("", "count")]);
    let failing = items(&stats["failing_checks"]);
    if !failing.is_empty() {
        say("");
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
    let ended = items(&verifications["by_verdict"]);
    if !ended.is_empty() {
        say("");
        let heading = format!("Verifications of {} days", text(verifications, "days"));
        output::table(&[&heading, "", "Half took at most", "95 % took at most"], ended.iter().map(row));
    }
}
