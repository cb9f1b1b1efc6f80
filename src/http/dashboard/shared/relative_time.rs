//! Times as people read them: relative, and in UTC.

use askama::Template;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

/// A time, with its distance from now.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "dashboard/pages/relative_time.html")]
pub(crate) struct RelativeTime {
    at: String,
    utc: String,
    ago: String,
}

impl askama::filters::HtmlSafe for RelativeTime {}

impl RelativeTime {
    pub(crate) fn of(at: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        Self {
            at: at.to_rfc3339_opts(SecondsFormat::Secs, true),
            utc: utc(at),
            ago: relative(at, now),
        }
    }
}

/// Within a sentence: the distance alone.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(
    source = r#"<time datetime="{{ time.at }}" title="{{ time.utc }}">{{ time.ago }}</time>"#,
    ext = "html"
)]
pub(crate) struct BriefTime<'a> {
    time: &'a RelativeTime,
}

impl askama::filters::HtmlSafe for BriefTime<'_> {}

impl RelativeTime {
    pub(crate) fn brief(&self) -> BriefTime<'_> {
        BriefTime { time: self }
    }
}

/// `2026-11-26 22:10 UTC`
pub(crate) fn utc(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}

/// `3 hours ago`, or `in 3 hours`.
pub(crate) fn relative(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let (gap, is_past) = if at <= now { (now - at, true) } else { (at - now, false) };
    // Allows for the moment between creation and display: what expires in 7 days is shown as "in 7 days".
    let gap = if is_past { gap } else { gap + gap / 100 };
    match span(gap) {
        None => "just now".to_owned(),
        Some(span) if is_past => format!("{span} ago"),
        Some(span) => format!("in {span}"),
    }
}

/// The distance in its largest full unit. None if it is only a few seconds.
fn span(gap: TimeDelta) -> Option<String> {
    let (number, unit) = match gap {
        gap if gap < TimeDelta::seconds(5) => return None,
        gap if gap < TimeDelta::minutes(1) => (gap.num_seconds(), "second"),
        gap if gap < TimeDelta::hours(1) => (gap.num_minutes(), "minute"),
        gap if gap < TimeDelta::days(1) => (gap.num_hours(), "hour"),
        gap if gap < TimeDelta::days(60) => (gap.num_days(), "day"),
        gap if gap < TimeDelta::days(730) => (gap.num_days() / 30, "month"),
        gap => (gap.num_days() / 365, "year"),
    };
    Some(format!("{number} {unit}{}", if number == 1 { "" } else { "s" }))
}

/// A duration in seconds, as people read it.
pub(crate) fn seconds(seconds: f64) -> String {
    match seconds {
        seconds if seconds < 1.0 => format!("{:.0} ms", seconds * 1000.0),
        seconds if seconds < 10.0 => format!("{seconds:.1} s"),
        seconds if seconds < 120.0 => format!("{seconds:.0} s"),
        seconds => format!("{:.0} min", seconds / 60.0),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(0, "just now")]
    #[case(-4, "just now")]
    #[case(59, "59 seconds ago")]
    #[case(60, "1 minute ago")]
    #[case(3 * 3600 + 59, "3 hours ago")]
    #[case(86_400, "1 day ago")]
    #[case(59 * 86_400, "59 days ago")]
    #[case(60 * 86_400, "2 months ago")]
    #[case(800 * 86_400, "2 years ago")]
    #[case(-7 * 86_400, "in 7 days")]
    #[case(-7 * 86_400 + 5, "in 7 days")]
    #[case(-6 * 86_400 - 3600, "in 6 days")]
    fn a_time_is_shown_in_its_largest_full_unit(#[case] gap: i64, #[case] told: &str) {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        assert_eq!(relative(now - TimeDelta::seconds(gap), now), told);
    }

    #[test]
    fn a_time_is_also_shown_in_utc() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let html = RelativeTime::of(now - TimeDelta::hours(3), now).to_string();
        assert!(
            html.contains("datetime=\"2027-01-15T05:00:00Z\"") && html.contains("2027-01-15 05:00 UTC"),
            "{html}"
        );
        assert!(html.contains("3 hours ago"), "{html}");
    }

    #[rstest]
    #[case(0.25, "250 ms")]
    #[case(1.26, "1.3 s")]
    #[case(45.0, "45 s")]
    #[case(600.0, "10 min")]
    fn a_duration_is_short(#[case] value: f64, #[case] told: &str) {
        assert_eq!(seconds(value), told);
    }
}
