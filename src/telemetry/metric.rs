//! The table of all metrics: name, type, labels and meaning. `docs/metrics.md` is generated from it.
//!
//! Labels have a small, fixed set of values: no tenants, no addresses, nothing that a client chooses.

use metrics::{describe_counter, describe_gauge, describe_histogram};

/// The Prometheus type of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display)]
#[strum(serialize_all = "lowercase")]
pub enum MetricKind {
    Counter,
    Gauge,
    Histogram,
}

#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// Ends with the unit, if it has one.
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
    /// Always 1. The label is the version of Latchkey.
    BUILD = Gauge "latchkey_build_info" ["version"];

    /// How far this host's clock is ahead of the database's.
    HOST_CLOCK_AHEAD = Gauge "latchkey_host_clock_ahead_seconds" [];

    /// HTTP requests by route pattern. Status 499 means that the client closed the connection.
    HTTP_REQUESTS = Counter "latchkey_http_requests_total" ["method", "route", "status"];
    /// Time from receiving a request to sending the response headers.
    HTTP_DURATION = Histogram "latchkey_http_request_duration_seconds" ["method", "route"];
    /// HTTP requests in progress by listener: `public` or `private`.
    HTTP_IN_FLIGHT = Gauge "latchkey_http_requests_in_flight" ["listener"];
    /// Open connections by listener: `public` or `private`.
    HTTP_CONNECTIONS = Gauge "latchkey_http_connections" ["listener"];
    /// Connections that were closed immediately, because the listener (`total`) or the client (`address`) had reached its limit, or because there were too many TLS handshakes per second (`handshakes`).
    HTTP_CONNECTIONS_REFUSED = Counter "latchkey_http_connections_refused_total" ["listener", "limit"];
    /// Requests with an idempotency key: `first`, `again` (answered with the stored response), `under_way` (the first one is still running), `of_another` (the key was used for a different request), `not_kept` (the response was not stored), `too_many` (the sender has used too many keys).
    IDEMPOTENCY = Counter "latchkey_idempotency_keys_total" ["outcome"];

    /// Submissions that were refused because the tenant has too many versions: within 24 hours (`day`) or in all (`total`).
    SUBMISSIONS_REFUSED = Counter "latchkey_submissions_refused_total" ["limit"];

    /// Requests for the identity provider's keys: `answered` or `failed`.
    PROVIDER_FETCHES = Counter "latchkey_identity_provider_fetches_total" ["outcome"];
    /// Rejected JWTs by the rule that they violate.
    JWTS_REFUSED = Counter "latchkey_jwts_refused_total" ["rule"];

    /// Finished verifications.
    VERIFICATIONS = Counter "latchkey_verifications_total" ["verdict"];
    /// Time from a verification's first attempt to its verdict, including the wait for AWS to propagate changes.
    VERIFICATION_DURATION = Histogram "latchkey_verification_duration_seconds" ["verdict"];
    /// Re-verifications by depth: `light` or `full`, and by result: `unchanged`, `changed` (a verification was queued), `unanswered`.
    REVERIFICATIONS = Counter "latchkey_reverifications_total" ["depth", "outcome"];
    /// Storage configs that are due to be verified again.
    REVERIFICATIONS_DUE = Gauge "latchkey_reverifications_due" [];
    /// How long the storage config that has waited longest has been due.
    REVERIFICATIONS_OLDEST = Gauge "latchkey_reverifications_oldest_due_seconds" [];
    /// 1 while many re-verifications fail together: no tenant is rejected, and the schedule pauses.
    INCIDENT_OPEN = Gauge "latchkey_incident_open" [];
    /// How long a call to AWS would wait for the calls that were taken before it.
    CALL_BUDGET_BUSY = Gauge "latchkey_call_budget_busy_seconds" ["service"];
    /// Calls per second that the budget allows now, less than configured after throttling.
    CALL_BUDGET_RATE = Gauge "latchkey_call_budget_rate" ["service"];
    /// Verification attempts that are retried, because a change may not have propagated yet or AWS did not respond.
    ATTEMPTS_REPEATED = Counter "latchkey_verification_attempts_repeated_total" [];
    /// Checks of finished verifications.
    CHECKS = Counter "latchkey_checks_total" ["check", "status"];
    /// Duration of the AWS call that decided a check.
    CHECK_DURATION = Histogram "latchkey_check_duration_seconds" ["check"];
    /// Failed checks that only the vendor can fix, by AWS error code.
    VENDOR_FAULTS = Counter "latchkey_vendor_faults_total" ["check", "code"];
    /// Verifications that could not delete their probe object.
    LEFTOVERS = Counter "latchkey_probe_leftovers_total" [];

    /// Tenants by status.
    TENANTS = Gauge "latchkey_tenants" ["status"];
    /// Tenants whose latest finished verification failed this check.
    TENANTS_FAILING = Gauge "latchkey_tenants_failing" ["check"];
    /// Tenants with an active version by the highest version of the documents that it was verified against: a number, or `none`.
    TENANTS_BY_DOCUMENTS = Gauge "latchkey_tenants_by_document_version" ["version"];
    /// The version of the documents that this process issues.
    DOCUMENT_VERSION = Gauge "latchkey_document_version" [];

    /// Valid API tokens that expire within 14 days, or that have used up half of a lifetime of less than 28 days.
    TOKENS_EXPIRING = Gauge "latchkey_tokens_expiring" ["role"];

    /// Jobs in the queue: `ready` (due and waiting for a worker), `later` (scheduled), `running`, `failed` (out of retries).
    QUEUE_JOBS = Gauge "latchkey_queue_jobs" ["state"];
    /// How long the oldest ready job has been due. 0 if none is waiting.
    QUEUE_OLDEST = Gauge "latchkey_queue_oldest_ready_seconds" [];
    /// Restarts of the worker after a failure.
    WORKER_RESTARTS = Counter "latchkey_worker_restarts_total" [];

    /// Open database connections, `used` or `idle`, by pool: `public`, `private` or `worker`.
    DATABASE_CONNECTIONS = Gauge "latchkey_database_connections" ["pool", "state"];
    /// Maximum number of database connections of each pool.
    DATABASE_CONNECTIONS_MAX = Gauge "latchkey_database_connections_max" ["pool"];
    /// How long the latest sampling of the queue waited for a database connection.
    DATABASE_ACQUIRE = Gauge "latchkey_database_acquire_seconds" [];
    /// 1 if the latest sampling of the queue and the tenants succeeded, otherwise 0.
    DATABASE_UP = Gauge "latchkey_database_up" [];

    /// AWS calls, counted once with their retries: `granted`, `refused`, `absent`, `unusable`, `misrouted`, `unanswered`.
    AWS_CALLS = Counter "latchkey_aws_calls_total" ["operation", "outcome"];
    /// Duration of an AWS call with its retries.
    AWS_DURATION = Histogram "latchkey_aws_call_duration_seconds" ["operation"];
    /// AWS calls that were still throttled after all retries.
    AWS_THROTTLED = Counter "latchkey_aws_throttled_total" ["operation"];

    /// 1 while the read model follows the change feed, 0 while the database is unavailable.
    READ_MODEL_FOLLOWING = Gauge "latchkey_read_model_following" [];
    /// Time since the read model was last confirmed to be up to date. Above 1, responses to internal services are marked as stale.
    READ_MODEL_AGE = Gauge "latchkey_read_model_age_seconds" [];
    /// Position in the change feed that the read model has reached.
    READ_MODEL_POSITION = Gauge "latchkey_read_model_position" [];
    /// Tenants in the read model.
    READ_MODEL_TENANTS = Gauge "latchkey_read_model_tenants" [];

    /// Requests to STS for credentials: `made`, `customer_side` (denied by the customer), `vendor_side` (denied on the vendor's side), `policy_too_long`, `unanswered`.
    CREDENTIALS = Counter "latchkey_credentials_total" ["outcome"];
    /// Issued credentials: `held` (from the cache) or `waited` (after a request to STS).
    CREDENTIALS_GIVEN = Counter "latchkey_credentials_given_total" ["from"];
    /// Tenants with cached credentials.
    CREDENTIALS_TENANTS = Gauge "latchkey_credentials_tenants" [];

    /// Webhook messages: `delivered`, or `given_up` after a day of retries.
    WEBHOOK_DELIVERIES = Counter "latchkey_webhook_deliveries_total" ["outcome"];
    /// Attempts to deliver a webhook message, by result.
    WEBHOOK_ATTEMPTS = Counter "latchkey_webhook_attempts_total" ["outcome"];
    /// Time from sending a webhook message to its response.
    WEBHOOK_DURATION = Histogram "latchkey_webhook_attempt_duration_seconds" [];
    /// Age of the oldest undelivered webhook message. 0 if none is waiting.
    WEBHOOK_OLDEST = Gauge "latchkey_webhook_oldest_undelivered_seconds" [];

    /// Mails to the customers' contacts: `sent`, which means accepted by the relay, `given_up`, or `not_needed` (of a campaign that has ended, or that the tenant is done with).
    MAILS = Counter "latchkey_mails_total" ["kind", "outcome"];
    /// Attempts to send a mail, by result.
    MAIL_ATTEMPTS = Counter "latchkey_mail_attempts_total" ["outcome"];
    /// Age of the oldest mail that waits to be sent. 0 if none is waiting.
    MAIL_OLDEST = Gauge "latchkey_mail_oldest_waiting_seconds" [];

    /// CPU time used by the process.
    PROCESS_CPU = Counter "process_cpu_seconds_total" [];
    /// Resident memory of the process.
    PROCESS_RESIDENT = Gauge "process_resident_memory_bytes" [];
    /// Virtual memory of the process.
    PROCESS_VIRTUAL = Gauge "process_virtual_memory_bytes" [];
    /// Maximum virtual memory of the process.
    PROCESS_VIRTUAL_MAX = Gauge "process_virtual_memory_max_bytes" [];
    /// Open file descriptors of the process.
    PROCESS_FDS = Gauge "process_open_fds" [];
    /// Maximum number of open file descriptors.
    PROCESS_FDS_MAX = Gauge "process_max_fds" [];
    /// Threads of the process.
    PROCESS_THREADS = Gauge "process_threads" [];
    /// Start time of the process, as a Unix timestamp.
    PROCESS_START = Gauge "process_start_time_seconds" [];
}

/// A count as the value of a gauge.
#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53")]
pub fn number(count: impl TryInto<u64>) -> f64 {
    count.try_into().map_or(0.0, |count: u64| count as f64)
}

/// Registers the help texts.
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

    use super::*;

    #[test]
    fn names_follow_the_prometheus_conventions() {
        let names: BTreeSet<&str> = ALL.iter().map(|metric| metric.name).collect();
        assert_eq!(names.len(), ALL.len(), "names are unique");
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
}
