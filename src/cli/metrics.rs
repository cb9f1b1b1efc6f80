//! `latchkey metrics`

use super::Outcome;
use crate::telemetry::metric;

/// What stands in `docs/metrics.md`.
#[expect(clippy::unnecessary_wraps, reason = "commands end in an outcome")]
pub fn run() -> Outcome {
    println!("# The metrics\n");
    println!("What `GET /metrics` on the private listener tells, in Prometheus's format. Made by `latchkey metrics` from the table in");
    println!("the code. Durations are in seconds. Of a histogram there are `_bucket`, `_sum` and `_count`. No label holds anything that");
    println!(
        "a caller chose, nor a tenant. [observability/](observability/) has a dashboard for Grafana and rules for alerts that use them.\n"
    );
    println!("| metric | kind | labels | what it tells |");
    println!("| --- | --- | --- | --- |");
    for metric in metric::ALL {
        let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
        println!(
            "| `{}` | {} | {} | {} |",
            metric.name,
            metric.kind,
            labels.join(", "),
            metric.help()
        );
    }
    Ok(())
}
