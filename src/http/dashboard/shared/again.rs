//! When a tenant's active version was verified again, and will be.

use chrono::{DateTime, Utc};

use super::relative_time::RelativeTime;
use crate::domain::reverification::schedule::NEVER;
use crate::domain::tenant::LastVerified;

pub(crate) struct AgainView {
    pub confirmed: Option<RelativeTime>,
    pub in_full: Option<RelativeTime>,
    pub due: Option<RelativeTime>,
    pub full_due: Option<RelativeTime>,
}

impl AgainView {
    pub(crate) fn of(last: LastVerified, now: DateTime<Utc>) -> Self {
        let shown = |at: DateTime<Utc>| RelativeTime::of(at, now);
        let scheduled = |at: DateTime<Utc>| (at < NEVER).then(|| shown(at));
        Self {
            confirmed: last.light_at.map(shown),
            in_full: last.full_at.map(shown),
            due: scheduled(last.next_at),
            full_due: scheduled(last.next_full_at),
        }
    }
}
