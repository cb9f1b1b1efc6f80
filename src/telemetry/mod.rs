//! Logs, metrics and traces of the process.

mod logs;
pub mod metric;
pub(crate) mod traces;

use std::time::Duration;

use metrics::{counter, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use strum::IntoEnumIterator;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::clock::SharedClock;
use crate::domain::check::{CheckName, CheckStatus};
use crate::domain::verification::Verdict;
use crate::settings::TelemetrySettings;
use metric::Metric;
use traces::Traces;

/// Upper bounds of duration histograms, in seconds.
const DURATION_BUCKETS: [f64; 12] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
/// The same for verifications, which may wait for AWS to propagate a change.
const VERIFICATION_BUCKETS: [f64; 10] = [0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 180.0];

const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// Starts logging to standard error and, if configured, sending traces. Call it on the runtime, which sends the traces, and
/// shut the returned [`Traces`] down at the end to send the last ones.
///
/// # Errors
/// When the exporter cannot be built from the settings.
pub fn start(settings: TelemetrySettings) -> Result<Traces, traces::TracesError> {
    let traces = Traces::to(settings.otlp_endpoint, settings.otlp_sample)?;
    tracing_subscriber::registry()
        .with(logs::layer(settings.log, settings.log_format, traces.are_enabled()))
        .with(traces.layer())
        .init();
    Ok(traces)
}

/// Installs the metrics recorder of the process. The handle renders the metrics.
///
/// # Panics
/// When called twice.
pub fn start_metrics() -> PrometheusHandle {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_duration_seconds".into()), &DURATION_BUCKETS)
        .and_then(|builder| builder.set_buckets_for_metric(Matcher::Full(metric::VERIFICATION_DURATION.name.into()), &VERIFICATION_BUCKETS))
        .and_then(PrometheusBuilder::install_recorder)
        .expect("the recorder is installed once, with non-empty buckets");
    metric::describe();
    gauge!(metric::BUILD.name, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    initialize_counters();
    handle
}

/// Moves recorded values into their buckets periodically. Without it, memory grows while nobody scrapes the metrics.
pub async fn upkeep(metrics: PrometheusHandle, clock: SharedClock, stop: CancellationToken) {
    while stop.run_until_cancelled(clock.sleep(UPKEEP_INTERVAL)).await.is_some() {
        metrics.run_upkeep();
    }
}

/// Sets rarely used counters to 0, so that `increase()` sees their first increment.
fn initialize_counters() {
    let zero = |metric: Metric, label: &'static str, value: &'static str| counter!(metric.name, label => value).absolute(0);
    for verdict in Verdict::iter() {
        zero(metric::VERIFICATIONS, "verdict", verdict.into());
    }
    for check in CheckName::iter() {
        for status in CheckStatus::iter() {
            counter!(metric::CHECKS.name, "check" => <&str>::from(check), "status" => <&str>::from(status)).absolute(0);
        }
    }
    for outcome in ["made", "customer_side", "vendor_side", "policy_too_long", "unanswered"] {
        zero(metric::CREDENTIALS, "outcome", outcome);
    }
    for outcome in ["delivered", "given_up"] {
        zero(metric::WEBHOOK_DELIVERIES, "outcome", outcome);
    }
    for outcome in ["answered", "failed"] {
        zero(metric::PROVIDER_FETCHES, "outcome", outcome);
    }
    for rule in ["expired", "signature", "audience"] {
        zero(metric::JWTS_REFUSED, "rule", rule);
    }
    for from in ["held", "waited"] {
        zero(metric::CREDENTIALS_GIVEN, "from", from);
    }
    for outcome in ["first", "again", "under_way", "of_another", "not_kept"] {
        zero(metric::IDEMPOTENCY, "outcome", outcome);
    }
    for operation in ["sts:AssumeRole", "s3:PutObject", "kms:Encrypt"] {
        zero(metric::AWS_THROTTLED, "operation", operation);
    }
    for metric in [metric::WORKER_RESTARTS, metric::LEFTOVERS, metric::ATTEMPTS_REPEATED] {
        counter!(metric.name).absolute(0);
    }
}
