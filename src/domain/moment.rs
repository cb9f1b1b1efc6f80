//! A time as people write it: `2026-01-31T00:00:00Z`, or how long ago: `6h`.

use chrono::{DateTime, Datelike, TimeDelta, Utc};

use super::text::Malformed;

/// The longest time ago.
const LONGEST: TimeDelta = TimeDelta::days(36_500);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    At(DateTime<Utc>),
    Ago(TimeDelta),
}

impl Moment {
    /// # Errors
    /// `malformed_time`, with what can be written instead.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let text = text.trim();
        let at = || Some(Self::At(text.parse().ok()?)).filter(|moment| moment.is_storable());
        let ago = || {
            let ago = TimeDelta::from_std(humantime::parse_duration(text).ok()?).ok()?;
            (ago <= LONGEST).then_some(Self::Ago(ago))
        };
        at().or_else(ago).ok_or_else(|| {
            let detail = "use a time such as 2026-01-31T00:00:00Z, or how long ago, such as 6h or 7days";
            Malformed::new("malformed_time", detail)
        })
    }

    /// Whether the database has such a time: it has fewer years than chrono.
    fn is_storable(self) -> bool {
        match self {
            Self::At(at) => (1..=9999).contains(&at.year()),
            Self::Ago(_) => true,
        }
    }

    pub fn at(self, now: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Self::At(at) => at,
            Self::Ago(ago) => now - ago,
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn now() -> DateTime<Utc> {
        "2026-11-30T12:00:00Z".parse().unwrap()
    }

    #[rstest]
    #[case("2026-11-30T06:00:00Z", "2026-11-30T06:00:00Z")]
    #[case("2026-11-30T06:00:00+02:00", "2026-11-30T04:00:00Z")]
    #[case("6h", "2026-11-30T06:00:00Z")]
    #[case(" 1d 30m ", "2026-11-29T11:30:00Z")]
    #[case("0s", "2026-11-30T12:00:00Z")]
    fn a_time_or_how_long_ago(#[case] text: &str, #[case] at: &str) {
        assert_eq!(Moment::parse(text).unwrap().at(now()), at.parse::<DateTime<Utc>>().unwrap());
    }

    #[rstest]
    fn anything_else_is_refused(
        #[values(
            "",
            "6",
            "yesterday",
            "-6h",
            "2026-11-30",
            "0000-01-01T00:00:00Z",
            "200years",
            "9999999999999years"
        )]
        text: &str,
    ) {
        assert_eq!(Moment::parse(text).unwrap_err().code, "malformed_time", "{text}");
    }
}
