//! How long history is kept.

use std::time::Duration;

use chrono::TimeDelta;
use clap::Args;

use super::value::{Format, duration};
use crate::domain::limits::Retention;

const SHORTEST_AUDIT: Duration = Duration::from_hours(365 * 24);
/// What an interval of Postgres and a `TimeDelta` can hold, with room to spare.
const LONGEST: Duration = Duration::from_hours(1000 * 365 * 24);

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Retention")]
pub struct RetentionSettings {
    /// How long verifications and drifts are kept. They are dropped by the month, when the whole month is older. The last results of each
    /// version stay, and everything that is not finished.
    #[arg(long, env = "LATCHKEY_VERIFICATION_RETENTION", default_value = "400d", value_name = "DURATION",
          value_parser = Format("a duration of at least 31d", "400d").parser(at_least(Duration::from_hours(31 * 24))))]
    verification_retention: Duration,

    /// How long messages to webhooks are kept, with their attempts. They are dropped by the month, when the whole month is older. Messages
    /// that wait stay.
    #[arg(long, env = "LATCHKEY_DELIVERY_RETENTION", default_value = "30d", value_name = "DURATION",
          value_parser = Format("a duration of at least 7d", "30d").parser(at_least(Duration::from_hours(7 * 24))))]
    delivery_retention: Duration,
}

impl RetentionSettings {
    pub fn retention(&self) -> Retention {
        let delta = |duration| TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX);
        Retention {
            verifications: delta(self.verification_retention),
            deliveries: delta(self.delivery_retention),
        }
    }
}

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Retention")]
pub struct AuditSettings {
    /// How long the audit log is kept: `forever`, or a duration of at least 365d. It is dropped by the calendar year, when the whole year is
    /// older. Only the owner of the database schema can change this: with `latchkey migrate`, or with the service if it runs as the owner.
    #[arg(long, env = "LATCHKEY_AUDIT_RETENTION", default_value = "forever", value_name = "DURATION",
          value_parser = Format("forever, or a duration of at least 365d", "forever").parser(audit_retention))]
    audit_retention: AuditRetention,
}

/// None forever.
#[derive(Debug, Clone, Copy)]
struct AuditRetention(Option<Duration>);

impl AuditSettings {
    /// How long the audit log is kept. None forever.
    pub fn retention(&self) -> Option<Duration> {
        self.audit_retention.0
    }
}

fn audit_retention(text: &str) -> Result<AuditRetention, String> {
    if text == "forever" {
        return Ok(AuditRetention(None));
    }
    at_least(SHORTEST_AUDIT)(text).map(|keep| AuditRetention(Some(keep)))
}

fn at_least(shortest: Duration) -> impl Fn(&str) -> Result<Duration, String> + Clone {
    move |text| {
        let keep = duration(text)?;
        if (shortest..=LONGEST).contains(&keep) {
            Ok(keep)
        } else {
            Err(format!("{text} is out of range"))
        }
    }
}
