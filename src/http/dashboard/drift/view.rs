//! A drift in words.

use chrono::{DateTime, Utc};

use crate::domain::drift::{Direction, FeedDrift};
use crate::http::dashboard::shared::relative_time::RelativeTime;
use crate::http::web_ui::status::CheckState;
use crate::http::web_ui::verification_view::MessageContext;

/// A check that showed something else than before, for display.
pub(crate) struct DriftRow {
    pub color: CheckState,
    pub check: String,
    pub before: String,
    pub after: String,
    pub code: Option<String>,
    /// When it changed, as far as that is known.
    pub span: String,
    pub found: RelativeTime,
    pub name: String,
    /// The paths of the tenant and of the verification that found it.
    pub tenant: String,
    pub verification: String,
}

impl DriftRow {
    pub(crate) fn of(found: &FeedDrift, reader: MessageContext<'_>, now: DateTime<Utc>) -> Self {
        let drift = &found.drift;
        let difference = &drift.difference;
        // By ID: the slug of an offboarded tenant may belong to another one by now.
        let tenant = format!("/tenants/{}", drift.tenant);
        Self {
            color: match difference.direction() {
                Direction::Worse => CheckState::Failed,
                Direction::Better => CheckState::Passed,
                Direction::Other => CheckState::Warning,
            },
            check: difference.check.to_string(),
            before: reader.text(&difference.before.summary),
            after: reader.text(&difference.after.summary),
            code: difference.after.code.clone(),
            span: span(drift.not_before, drift.found_at),
            found: RelativeTime::of(drift.found_at, now),
            name: found.name.to_string(),
            verification: format!("{tenant}/verifications/{}", drift.verification),
            tenant,
        }
    }
}

/// The span of time in which something changed. The day is repeated only if it is another one.
fn span(not_before: Option<DateTime<Utc>>, found_at: DateTime<Utc>) -> String {
    let day = found_at.format("%Y-%m-%d");
    let time = found_at.format("%H:%M:%S UTC");
    match not_before {
        None => format!("before {day} {time}"),
        Some(not_before) if not_before.date_naive() == found_at.date_naive() => {
            format!("on {day} between {} and {time}", not_before.format("%H:%M:%S"))
        }
        Some(not_before) => format!("between {} and {day} {time}", not_before.format("%Y-%m-%d %H:%M:%S")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_repeats_the_day_only_if_it_is_another_one() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let found_at = at("2026-11-30T16:10:16.858Z");
        assert_eq!(span(None, found_at), "before 2026-11-30 16:10:16 UTC");
        assert_eq!(
            span(Some(at("2026-11-30T10:10:07Z")), found_at),
            "on 2026-11-30 between 10:10:07 and 16:10:16 UTC"
        );
        assert_eq!(
            span(Some(at("2026-11-29T23:10:07Z")), found_at),
            "between 2026-11-29 23:10:07 and 2026-11-30 16:10:16 UTC"
        );
    }
}
