//! Settings of the worker and of its calls to AWS.

use std::time::Duration;

use clap::Args;

use super::value::{Format, boolean, duration, number};

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Worker")]
pub struct WorkerSettings {
    /// Maximum number of verifications that this process works on at once, from 1 to 256. A verification that has waited for AWS for a
    /// second no longer counts; at most 16 times this number are in progress.
    #[arg(long = "worker-concurrency", env = "LATCHKEY_WORKER_CONCURRENCY", default_value = "16", value_name = "NUMBER",
          id = "worker_concurrency", value_parser = Format("a number from 1 to 256", "16").parser(concurrency))]
    pub concurrency: usize,

    /// How long a worker may be silent before other workers take over its verifications.
    #[arg(long = "worker-lost-after", env = "LATCHKEY_WORKER_LOST_AFTER", default_value = "15s", value_name = "DURATION",
          id = "worker_lost_after", value_parser = Format("a duration of at least 1s", "15s").parser(lost_after))]
    pub lost_after: Duration,

    /// How long work in progress may continue after SIGTERM. A second SIGTERM exits immediately.
    #[arg(long, env = "LATCHKEY_SHUTDOWN_GRACE", default_value = "25s", value_name = "DURATION",
          value_parser = Format("a duration", "25s").parser(duration))]
    pub shutdown_grace: Duration,
}

impl WorkerSettings {
    /// How long an attempt of a verification may write to the customer's bucket: enough for a worker that is slow, but not lost.
    /// A run that was interrupted is taken over no sooner.
    pub fn lease(&self) -> Duration {
        (self.lost_after * 2).max(Duration::from_secs(30))
    }
}

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "AWS")]
pub struct AwsSettings {
    /// How long to keep retrying `AccessDenied` while IAM changes propagate. `0s` disables retrying.
    #[arg(long, env = "LATCHKEY_PROPAGATION_WINDOW", default_value = "90s", value_name = "DURATION",
          value_parser = Format("a duration, or 0s", "90s").parser(duration))]
    pub propagation_window: Duration,

    /// Use path-style S3 URLs, for local S3 emulators.
    #[arg(long, env = "LATCHKEY_S3_PATH_STYLE", default_value = "false", value_name = "true|false", action = clap::ArgAction::Set,
          num_args = 0..=1, default_missing_value = "true", value_parser = Format("true or false", "true").parser(boolean))]
    pub s3_path_style: bool,
}

fn concurrency(text: &str) -> Result<usize, String> {
    let number = number(1..=256)(text)?;
    usize::try_from(number).map_err(|fault| fault.to_string())
}

fn lost_after(text: &str) -> Result<Duration, String> {
    let lost_after = duration(text)?;
    if lost_after < Duration::from_secs(1) {
        return Err(format!("{text} is too short"));
    }
    Ok(lost_after)
}
