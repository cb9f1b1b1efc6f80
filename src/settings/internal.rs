//! What internal services are answered.

use std::time::Duration;

use clap::Args;

use super::{ConfigError, Form};

/// What internal services are answered.
#[derive(Debug, Clone, Args)]
pub struct InternalArgs {
    /// For how long internal services get the last known answer, marked as stale, while the database is away. `0s` refuses them.
    #[arg(long, env = "LATCHKEY_STALE_FOR", default_value = "24h", value_name = "DURATION")]
    pub stale_for: String,
}

impl InternalArgs {
    pub fn stale_for(&self) -> Result<Duration, ConfigError> {
        let form = Form("LATCHKEY_STALE_FOR", "a duration, or 0s for none", "24h");
        Ok(*form.parse::<humantime::Duration>(&self.stale_for)?)
    }
}
