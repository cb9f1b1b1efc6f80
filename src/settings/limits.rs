//! Limits on what a tenant or a caller can store.

use chrono::TimeDelta;
use clap::Args;

use super::value::{Format, number};
use crate::domain::limits::Limits;

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Limits")]
pub struct LimitSettings {
    /// How many versions of its storage config a tenant can submit within 24 hours, through the form and the API together.
    #[arg(long, env = "LATCHKEY_MAX_VERSIONS_PER_DAY", default_value = "50", value_name = "NUMBER",
          value_parser = Format("a number from 1 to 10000", "50").parser(number(1..=10_000)))]
    max_versions_per_day: u32,

    /// How many versions of its storage config a tenant can have in total. Versions are never deleted.
    #[arg(long, env = "LATCHKEY_MAX_VERSIONS", default_value = "1000", value_name = "NUMBER",
          value_parser = Format("a number from 1 to 100000", "1000").parser(number(1..=100_000)))]
    max_versions: u32,

    /// Days for which an offboarded tenant's slug stays reserved. This keeps services that still use the slug from getting another
    /// tenant's storage. `0` makes it available at once.
    #[arg(long, env = "LATCHKEY_SLUG_RESERVATION_DAYS", default_value = "90", value_name = "DAYS",
          value_parser = Format("a number from 0 to 3650", "90").parser(number(0..=3650)))]
    slug_reservation_days: u32,

    #[command(flatten)]
    tokens: TokenSettings,
}

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Limits")]
pub struct TokenSettings {
    /// How many days a new API token can be valid. Tokens created without a lifetime expire after 90 days or this maximum, whichever is
    /// shorter. `0` means no limit, and allows tokens that never expire.
    #[arg(long, env = "LATCHKEY_TOKEN_MAX_LIFETIME_DAYS", default_value = "365", value_name = "DAYS",
          value_parser = Format("a number from 0 to 36500", "365").parser(number(0..=36_500)))]
    token_max_lifetime_days: u32,
}

impl TokenSettings {
    pub fn longest(&self) -> Option<TimeDelta> {
        (self.token_max_lifetime_days > 0).then(|| TimeDelta::days(i64::from(self.token_max_lifetime_days)))
    }
}

impl LimitSettings {
    pub fn limits(&self) -> Limits {
        Limits {
            versions_per_day: self.max_versions_per_day,
            versions: self.max_versions,
            slug_reservation: TimeDelta::days(i64::from(self.slug_reservation_days)),
            token_lifetime: self.tokens.longest(),
        }
    }
}
