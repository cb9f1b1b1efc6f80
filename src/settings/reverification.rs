//! Settings of re-verification, and the budget of calls to AWS.

use std::time::Duration;

use chrono::NaiveTime;
use clap::Args;

use super::ConfigError;
use super::value::{Format, duration, number};
use crate::domain::reverification::budget::{CallRates, Calls};
use crate::domain::reverification::schedule::{LONGEST_QUIET, QuietHours, Schedule};

const RATE: Format = Format("a number from 1 to 100000", "100");
const QUIET: Format = Format("two times of day in UTC, at most 12 hours apart", "22:00-06:00");

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Re-verification")]
pub struct ReverificationSettings {
    /// How often each active storage config is verified lightly: the roles, the bucket, the key, and decrypting. `0s` turns it off.
    #[arg(long, env = "LATCHKEY_LIGHT_VERIFICATION_EVERY", default_value = "6h", value_name = "DURATION",
          value_parser = Format("a duration from 5m to 30d, or 0s", "6h").parser(period(5 * 60)))]
    light_verification_every: Duration,

    /// How often each active storage config is verified in full, by every check. `0s` turns it off.
    #[arg(long, env = "LATCHKEY_FULL_VERIFICATION_EVERY", default_value = "7d", value_name = "DURATION",
          value_parser = Format("a duration from 1h to 365d, or 0s", "7d").parser(period(60 * 60)))]
    full_verification_every: Duration,

    /// A time of day, in UTC, in which no re-verification is due. What would be due then is due that much later.
    #[arg(long, env = "LATCHKEY_QUIET_HOURS", value_name = "FROM-UNTIL", value_parser = QUIET.parser(quiet_hours))]
    quiet_hours: Option<QuietHours>,

    /// Calls to AWS STS per second and account of your roles that all processes may make together. Credentials go first, then
    /// verifications that people wait for.
    #[arg(long, env = "LATCHKEY_STS_CALLS_PER_SECOND", default_value = "100", value_name = "NUMBER", value_parser = RATE.parser(number(1..=100_000)))]
    sts_calls_per_second: u32,

    /// The same for AWS KMS.
    #[arg(long, env = "LATCHKEY_KMS_CALLS_PER_SECOND", default_value = "500", value_name = "NUMBER", value_parser = RATE.parser(number(1..=100_000)))]
    kms_calls_per_second: u32,

    /// The same for Amazon S3.
    #[arg(long, env = "LATCHKEY_S3_CALLS_PER_SECOND", default_value = "500", value_name = "NUMBER", value_parser = RATE.parser(number(1..=100_000)))]
    s3_calls_per_second: u32,
}

impl ReverificationSettings {
    /// # Errors
    /// When light re-verifications would be rarer than full ones.
    pub fn schedule(&self) -> Result<Schedule, ConfigError> {
        let on = |every: Duration| (!every.is_zero()).then_some(every);
        let (light_every, full_every) = (on(self.light_verification_every), on(self.full_verification_every));
        if let (Some(light), Some(full)) = (light_every, full_every)
            && light > full
        {
            let problem = "must not be longer than LATCHKEY_FULL_VERIFICATION_EVERY; set it to 0s to verify in full only";
            return Err(ConfigError::new("LATCHKEY_LIGHT_VERIFICATION_EVERY", problem));
        }
        Ok(Schedule {
            light_every,
            full_every,
            quiet: self.quiet_hours,
        })
    }

    pub fn rates(&self) -> CallRates {
        CallRates(Calls {
            sts: self.sts_calls_per_second,
            kms: self.kms_calls_per_second,
            s3: self.s3_calls_per_second,
        })
    }
}

fn period(shortest: u64) -> impl Fn(&str) -> Result<Duration, String> + Clone {
    move |text| {
        let period = duration(text)?;
        let range = Duration::from_secs(shortest)..=Duration::from_hours(365 * 24);
        if period.is_zero() || range.contains(&period) {
            Ok(period)
        } else {
            Err(format!("{text} is out of range"))
        }
    }
}

fn quiet_hours(text: &str) -> Result<QuietHours, String> {
    let malformed = || format!("{text:?} is not a range of times");
    let (from, until) = text.split_once('-').ok_or_else(malformed)?;
    let time = |text: &str| NaiveTime::parse_from_str(text.trim(), "%H:%M").map_err(|_| malformed());
    let quiet = QuietHours {
        from: time(from)?,
        until: time(until)?,
    };
    if quiet.length() > LONGEST_QUIET {
        return Err(format!("{text} is longer than 12 hours"));
    }
    Ok(quiet)
}
