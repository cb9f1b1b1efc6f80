//! Limits on what a tenant or a caller can store.

use chrono::{DateTime, TimeDelta, Utc};

use super::text::FieldError;
use super::token::{DEFAULT_LIFETIME, TokenLifetime};

/// How many verifications can be requested with an invite within 24 hours. Operators have no such limit.
pub const VERIFICATIONS_PER_INVITE_AND_DAY: u32 = 200;

#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How many versions a tenant can submit within 24 hours.
    pub versions_per_day: u32,
    /// How many versions a tenant can have.
    pub versions: u32,
    /// How long nobody can use the slug of an offboarded tenant.
    pub slug_reservation: TimeDelta,
    /// The longest lifetime of a new API token. If None, a token need not expire.
    pub token_lifetime: Option<TimeDelta>,
}

/// How long history is kept that nothing refers to any more. Whole months are dropped, so it lasts up to a month longer.
#[derive(Debug, Clone, Copy)]
pub struct Retention {
    /// Verifications, and the drifts that they found.
    pub verifications: TimeDelta,
    /// Messages to webhooks, and the attempts to deliver them.
    pub deliveries: TimeDelta,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            verifications: TimeDelta::days(400),
            deliveries: TimeDelta::days(30),
        }
    }
}

/// The versions that a tenant has, as far as they count against the limits.
#[derive(Debug, Clone, Copy, Default)]
pub struct VersionCount {
    pub total: u32,
    /// When the version was submitted that is as many versions ago as a day allows.
    pub day_began: Option<DateTime<Utc>>,
}

/// Why a tenant cannot submit another version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VersionLimit {
    /// Too many within 24 hours. The next one is possible at a time, in so many seconds.
    Day {
        limit: u32,
        until: DateTime<Utc>,
        seconds: u32,
    },
    Total {
        limit: u32,
    },
}

impl Limits {
    /// For tools that submit nothing.
    pub const NONE: Self = Self {
        versions_per_day: u32::MAX,
        versions: u32::MAX,
        slug_reservation: TimeDelta::zero(),
        token_lifetime: None,
    };

    /// The lifetime of a new token. None if it never expires.
    ///
    /// # Errors
    /// `must_expire`, or `out_of_range` for the field `expires_in_hours`.
    pub fn lifetime(&self, wanted: TokenLifetime) -> Result<Option<TimeDelta>, FieldError> {
        match (wanted, self.token_lifetime) {
            (TokenLifetime::Never, None) => Ok(None),
            (TokenLifetime::Never, Some(longest)) => Err(FieldError::new(
                "never_expires",
                "must_expire",
                format!(
                    "a token must expire within {} days; give it a lifetime, or set LATCHKEY_TOKEN_MAX_LIFETIME_DAYS to 0",
                    longest.num_days()
                ),
            )),
            (TokenLifetime::For(lifetime), Some(longest)) if lifetime > longest => Err(FieldError::new(
                "expires_in_hours",
                "out_of_range",
                format!(
                    "a token can be valid for at most {} hours ({} days, LATCHKEY_TOKEN_MAX_LIFETIME_DAYS)",
                    longest.num_hours(),
                    longest.num_days()
                ),
            )),
            (TokenLifetime::For(lifetime), _) => Ok(Some(lifetime)),
            (TokenLifetime::Default, longest) => Ok(Some(longest.map_or(DEFAULT_LIFETIME, |longest| longest.min(DEFAULT_LIFETIME)))),
        }
    }

    /// The limit that another version would exceed.
    pub fn reached_by(&self, count: VersionCount, now: DateTime<Utc>) -> Option<VersionLimit> {
        if count.total >= self.versions {
            return Some(VersionLimit::Total { limit: self.versions });
        }
        let until = count.day_began? + TimeDelta::days(1);
        (until > now).then(|| VersionLimit::Day {
            limit: self.versions_per_day,
            until,
            seconds: u32::try_from((until - now).num_seconds()).unwrap_or_default() + 1,
        })
    }
}

impl VersionLimit {
    /// The setting that raises this limit.
    pub fn setting(self) -> &'static str {
        match self {
            Self::Day { .. } => "LATCHKEY_MAX_VERSIONS_PER_DAY",
            Self::Total { .. } => "LATCHKEY_MAX_VERSIONS",
        }
    }

    /// The limit's name in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Day { .. } => "day",
            Self::Total { .. } => "total",
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(None, TokenLifetime::Default, Ok(Some(90)))]
    #[case(Some(365), TokenLifetime::Default, Ok(Some(90)))]
    #[case(Some(30), TokenLifetime::Default, Ok(Some(30)))]
    #[case(None, TokenLifetime::Never, Ok(None))]
    #[case(Some(365), TokenLifetime::Never, Err("must_expire"))]
    #[case(None, TokenLifetime::For(TimeDelta::days(1000)), Ok(Some(1000)))]
    #[case(Some(365), TokenLifetime::For(TimeDelta::days(365)), Ok(Some(365)))]
    #[case(Some(365), TokenLifetime::For(TimeDelta::days(366)), Err("out_of_range"))]
    fn a_token_expires_within_the_limit(
        #[case] longest: Option<i64>,
        #[case] wanted: TokenLifetime,
        #[case] expected: Result<Option<i64>, &str>,
    ) {
        let limits = Limits {
            token_lifetime: longest.map(TimeDelta::days),
            ..Limits::NONE
        };
        let lifetime = limits.lifetime(wanted).map(|lifetime| lifetime.map(|lifetime| lifetime.num_days()));
        assert_eq!(lifetime.map_err(|error| error.code), expected.map_err(str::to_owned));
    }

    #[rstest]
    #[case(0, None, None)]
    #[case(9, Some(25), None)]
    #[case(9, Some(24), None)]
    #[case(9, Some(23), Some("day"))]
    #[case(10, None, Some("total"))]
    // Waiting would not help.
    #[case(10, Some(23), Some("total"))]
    fn another_version_is_within_both_limits(#[case] total: u32, #[case] hours_ago: Option<i64>, #[case] expected: Option<&str>) {
        let limits = Limits {
            versions_per_day: 3,
            versions: 10,
            ..Limits::NONE
        };
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(1000);
        let day_began = hours_ago.map(|hours| now - TimeDelta::hours(hours));
        let reached = limits.reached_by(VersionCount { total, day_began }, now);
        assert_eq!(reached.map(VersionLimit::name), expected);
    }
}
