//! A drift in words.

use chrono::{DateTime, Utc};

use crate::domain::drift::{Direction, FeedDrift};
use crate::http::dashboard::shared::relative_time::RelativeTime;
use crate::http::web_ui::status::CheckState;
use crate::http::web_ui::verification_view::{MessageContext, time};

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
        let found_at = time(drift.found_at);
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
            span: match drift.not_before {
                Some(not_before) => format!("between {} and {found_at}", time(not_before)),
                None => format!("before {found_at}"),
            },
            found: RelativeTime::of(drift.found_at, now),
            name: found.name.to_string(),
            verification: format!("{tenant}/verifications/{}", drift.verification),
            tenant,
        }
    }
}
