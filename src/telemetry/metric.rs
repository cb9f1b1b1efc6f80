//! Every metric: its name, kind, labels and meaning. `docs/metrics.md` is made from this table, and what records one takes
//! its name from here.
//!
//! Labels have few values, all known beforehand: never a tenant, never an address, never anything that a caller chose.

use metrics::{describe_counter, describe_gauge, describe_histogram};

/// How a metric behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display)]
#[strum(serialize_all = "lowercase")]
pub enum MetricKind {
    /// Only grows, until the process ends.
    Counter,
    /// As it is at present.
    Gauge,
    /// `_bucket`, `_sum` and `_count`.
    Histogram,
}

#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// Ends with its unit, where it has one.
    pub name: &'static str,
    pub kind: MetricKind,
    pub labels: &'static [&'static str],
    help: &'static str,
}

impl Metric {
    pub fn help(&self) -> &'static str {
        self.help.trim()
    }
}

macro_rules! table {
    ($(#[doc = $help:literal] $constant:ident = $kind:ident $name:literal [$($label:literal),*];)*) => {
        $(
            #[doc = $help]
            pub const $constant: Metric = Metric {
                name: $name,
                kind: MetricKind::$kind,
                labels: &[$($label),*],
                help: $help,
            };
        )*

        /// In the order of the documentation.
        pub const ALL: &[Metric] = &[$($constant),*];
    };
}

table! {
    /// 1, with the version that runs.
    BUILD = Gauge "latchkey_build_info" ["version"];

    /// Requests that were answered, by the pattern of their path. Status 499: the client hung up.
    HTTP_REQUESTS = Counter "latchkey_http_requests_total" ["method", "route", "status"];
    /// From a request's arrival to the beginning of its answer.
    HTTP_DURATION = Histogram "latchkey_http_request_duration_seconds" ["method", "route"];
    /// Requests whose answer has not begun, by the listener: `public` or `private`.
    HTTP_IN_FLIGHT = Gauge "latchkey_http_requests_in_flight" ["listener"];
    /// Requests with an idempotency key: `first`, `again` (the kept answer), `under_way`, `of_another` (refused), `not_kept`.
    IDEMPOTENCY = Counter "latchkey_idempotency_keys_total" ["outcome"];

    /// How often the identity provider was asked for its keys: `answered`, `failed`.
    PROVIDER_FETCHES = Counter "latchkey_identity_provider_fetches_total" ["outcome"];
    /// JWTs that were refused, by the rule that they broke.
    JWTS_REFUSED = Counter "latchkey_jwts_refused_total" ["rule"];

    /// Verifications that ended.
    VERIFICATIONS = Counter "latchkey_verifications_total" ["verdict"];
    /// From a verification's first attempt to its end, waiting for AWS to spread a change included.
    VERIFICATION_DURATION = Histogram "latchkey_verification_duration_seconds" ["verdict"];
    /// Attempts that did not count, because a change may still be on its way through AWS or AWS did not answer.
    ATTEMPTS_REPEATED = Counter "latchkey_verification_attempts_repeated_total" [];
    /// Checks of verifications that ended.
    CHECKS = Counter "latchkey_checks_total" ["check", "status"];
    /// The call that decided a check.
    CHECK_DURATION = Histogram "latchkey_check_duration_seconds" ["check"];
    /// Findings that only the vendor can mend: the code is AWS's.
    VENDOR_FAULTS = Counter "latchkey_vendor_faults_total" ["check", "code"];
    /// Verifications that left a probe object behind.
    LEFTOVERS = Counter "latchkey_probe_leftovers_total" [];

    /// Tenants of each status.
    TENANTS = Gauge "latchkey_tenants" ["status"];
    /// Tenants of which a check failed in the newest verification that ended.
    TENANTS_FAILING = Gauge "latchkey_tenants_failing" ["check"];

    /// Jobs in the queue: `ready` (due, waiting for a worker), `later` (not due yet), `running`, `failed` (given up).
    QUEUE_JOBS = Gauge "latchkey_queue_jobs" ["state"];
    /// For how long the oldest ready job has been due; 0 when none waits.
    QUEUE_OLDEST = Gauge "latchkey_queue_oldest_ready_seconds" [];
    /// How often the worker failed and was started again.
    WORKER_RESTARTS = Counter "latchkey_worker_restarts_total" [];

    /// Connections to Postgres that this process holds: `used` or `idle`.
    DATABASE_CONNECTIONS = Gauge "latchkey_database_connections" ["state"];
    /// Connections to Postgres that this process may hold.
    DATABASE_CONNECTIONS_MAX = Gauge "latchkey_database_connections_max" [];
    /// How long the last look at the queue waited for a connection: whoever else asks waits as long.
    DATABASE_ACQUIRE = Gauge "latchkey_database_acquire_seconds" [];
    /// 1 when the last look at the queue and the tenants got its answers, 0 when it did not.
    DATABASE_UP = Gauge "latchkey_database_up" [];

    /// Calls of AWS, retries counted as one: `granted`, `refused`, `absent`, `unusable`, `misrouted`, `unanswered`.
    AWS_CALLS = Counter "latchkey_aws_calls_total" ["operation", "outcome"];
    /// A call of AWS with its retries.
    AWS_DURATION = Histogram "latchkey_aws_call_duration_seconds" ["operation"];
    /// Calls that AWS did not carry out because there were too many, after all retries.
    AWS_THROTTLED = Counter "latchkey_aws_throttled_total" ["operation"];

    /// 1 while the change feed is followed, 0 while the database is away.
    DIRECTORY_FOLLOWING = Gauge "latchkey_directory_following" [];
    /// For how long what internal services are answered has not been confirmed; above 1 it is marked as stale.
    DIRECTORY_AGE = Gauge "latchkey_directory_age_seconds" [];
    /// Position of the last change that internal services are answered by.
    DIRECTORY_POSITION = Gauge "latchkey_directory_position" [];
    /// Tenants held in memory for internal services.
    DIRECTORY_TENANTS = Gauge "latchkey_directory_tenants" [];

    /// Credentials that were asked of STS: `made`, `customer_side`, `vendor_side`, `unanswered`.
    CREDENTIALS = Counter "latchkey_credentials_total" ["outcome"];
    /// Credentials that were handed out: `held` (from memory), or `waited` (for STS).
    CREDENTIALS_GIVEN = Counter "latchkey_credentials_given_total" ["from"];
    /// Tenants whose credentials are held in memory.
    CREDENTIALS_TENANTS = Gauge "latchkey_credentials_tenants" [];

    /// Messages that were delivered, or given up after a day: `delivered`, `given_up`.
    WEBHOOK_DELIVERIES = Counter "latchkey_webhook_deliveries_total" ["outcome"];
    /// Times that a message was sent, by what came of it.
    WEBHOOK_ATTEMPTS = Counter "latchkey_webhook_attempts_total" ["outcome"];
    /// From a message's sending to its answer.
    WEBHOOK_DURATION = Histogram "latchkey_webhook_attempt_duration_seconds" [];
    /// For how long the oldest message has waited that was not delivered yet; 0 when none waits.
    WEBHOOK_OLDEST = Gauge "latchkey_webhook_oldest_undelivered_seconds" [];

    /// Processor time that the process used.
    PROCESS_CPU = Counter "process_cpu_seconds_total" [];
    /// Memory that the process occupies.
    PROCESS_RESIDENT = Gauge "process_resident_memory_bytes" [];
    /// Memory that the process has reserved.
    PROCESS_VIRTUAL = Gauge "process_virtual_memory_bytes" [];
    /// Memory that the process may reserve at most.
    PROCESS_VIRTUAL_MAX = Gauge "process_virtual_memory_max_bytes" [];
    /// File descriptors that are open.
    PROCESS_FDS = Gauge "process_open_fds" [];
    /// File descriptors that may be open at most.
    PROCESS_FDS_MAX = Gauge "process_max_fds" [];
    /// Threads of the process.
    PROCESS_THREADS = Gauge "process_threads" [];
    /// When the process was started, in seconds since 1970.
    PROCESS_START = Gauge "process_start_time_seconds" [];
}

/// A number of things, as metrics take it.
#[expect(clippy::cast_precision_loss, reason = "beyond 2^53 of anything, one more or less is not seen")]
pub fn number(things: impl TryInto<u64>) -> f64 {
    things.try_into().map_or(0.0, |things: u64| things as f64)
}

/// Tells the recorder what each of them means.
pub(super) fn describe() {
    for metric in ALL {
        match metric.kind {
            MetricKind::Counter => describe_counter!(metric.name, metric.help()),
            MetricKind::Gauge => describe_gauge!(metric.name, metric.help()),
            MetricKind::Histogram => describe_histogram!(metric.name, metric.help()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    #[test]
    fn names_say_what_they_count_in() {
        let names: BTreeSet<&str> = ALL.iter().map(|metric| metric.name).collect();
        assert_eq!(names.len(), ALL.len(), "no name twice");
        for metric in ALL {
            assert_eq!(
                metric.name.ends_with("_total"),
                metric.kind == MetricKind::Counter,
                "{}",
                metric.name
            );
            assert!(
                metric.kind != MetricKind::Histogram || metric.name.ends_with("_seconds"),
                "{}",
                metric.name
            );
            assert!(metric.help().ends_with('.') && !metric.help().contains('|'), "{}", metric.name);
            assert!(
                metric.labels.iter().all(|label| !["tenant", "slug", "id"].contains(label)),
                "{}",
                metric.name
            );
        }
    }

    /// What is recorded under a name that is written out would be missing here.
    #[test]
    fn whoever_records_takes_the_name_from_here() {
        let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
        let mut read = 0;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    let text = std::fs::read_to_string(&path).unwrap();
                    for kind in ["counter", "gauge", "histogram"] {
                        assert!(!text.contains(&format!("{kind}!(\"")), "{}", path.display());
                    }
                    read += 1;
                }
            }
        }
        assert!(read > 100);
    }
}
