//! Limits on what a tenant or a caller can store.

use chrono::{DateTime, TimeDelta, Utc};

#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How many versions a tenant can submit within 24 hours.
    pub versions_per_day: u32,
    /// How many versions a tenant can have.
    pub versions: u32,
    /// How long nobody can use the slug of an offboarded tenant.
    pub slug_reservation: TimeDelta,
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
    };

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
