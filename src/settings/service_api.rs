//! Settings of the API for internal services.

use std::time::Duration;

use clap::Args;

use super::value::{Format, duration};

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Internal services")]
pub struct ServiceApiSettings {
    /// How long internal services get the last known answer, marked as stale, while the database is unavailable. `0s` rejects
    /// requests instead.
    #[arg(long, env = "LATCHKEY_STALE_FOR", default_value = "24h", value_name = "DURATION",
          value_parser = Format("a duration, or 0s", "24h").parser(duration))]
    pub stale_for: Duration,
}
