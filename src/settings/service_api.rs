//! Settings of the API for internal services.

use std::time::Duration;

use clap::Args;

use super::value::{Format, duration, number};

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Internal services")]
pub struct ServiceApiSettings {
    /// How long internal services get the last known answer, marked as stale, while the database is unavailable. `0s` rejects
    /// requests instead.
    #[arg(long, env = "LATCHKEY_STALE_FOR", default_value = "24h", value_name = "DURATION",
          value_parser = Format("a duration, or 0s", "24h").parser(duration))]
    pub stale_for: Duration,

    /// How long new AWS sessions are requested for internal services while the database is unavailable. After that, only cached
    /// credentials are handed out, because a token may have been revoked or a tenant suspended in the meantime.
    #[arg(long, env = "LATCHKEY_CREDENTIALS_STALE_FOR", default_value = "5m", value_name = "DURATION",
          value_parser = Format("a duration, or 0s", "5m").parser(duration))]
    pub credentials_stale_for: Duration,

    /// How many new AWS sessions per second this process requests for internal services. Keep the sum over all processes well
    /// below your account's quota for `sts:AssumeRole`, because verifications need it too.
    #[arg(long, env = "LATCHKEY_SESSIONS_PER_SECOND", default_value = "100", value_name = "NUMBER",
          value_parser = Format("a number between 1 and 10000", "100").parser(number(1..=10_000)))]
    pub sessions_per_second: u32,

    /// How many new AWS sessions per second each API token can cause in this process. Ten times as many can be requested at
    /// once.
    #[arg(long, env = "LATCHKEY_SESSIONS_PER_TOKEN", default_value = "50", value_name = "NUMBER",
          value_parser = Format("a number between 1 and 10000", "50").parser(number(1..=10_000)))]
    pub sessions_per_token: u32,
}
