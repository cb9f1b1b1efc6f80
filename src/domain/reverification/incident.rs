//! Waves: when many re-verifications fail at the same time, the cause is one, and not with the customers. A role of the vendor broke,
//! an organization denies, a region is down.
//!
//! While an incident is open, no rejection counts: verdicts are held back, and each process verifies only one storage config every few
//! seconds, to find out whether it is over.

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::ids::IncidentId;

/// Over how long re-verifications are counted.
pub const WINDOW: TimeDelta = TimeDelta::minutes(1);

/// A wave has at least so many that are not as before.
const LEAST: u32 = 10;

/// How long passes between two attempts while an incident is open.
pub const PROBE_INTERVAL: std::time::Duration = std::time::Duration::from_secs(5);

/// So many in a row must be as before for an incident to end.
const ENDS_AFTER: u32 = 3;

/// How many re-verifications were as before or better, and how many were not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    pub unchanged: u32,
    pub other: u32,
}

impl Tally {
    /// What became better counts like what is as before.
    pub fn count(&mut self, is_good: bool) {
        let counted = if is_good { &mut self.unchanged } else { &mut self.other };
        *counted = counted.saturating_add(1);
    }

    pub fn is_empty(self) -> bool {
        self == Self::default()
    }

    /// Whether so many failed together that they must have one cause: at least ten, and at least half of all.
    pub fn is_wave(self) -> bool {
        self.other >= LEAST && self.other >= self.unchanged
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Incident {
    pub id: IncidentId,
    pub started_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
    /// How many re-verifications in a row were as before.
    pub successes: u32,
    /// How many were not, since it started.
    pub affected: u32,
}

impl Incident {
    /// The state after more re-verifications.
    #[must_use]
    pub fn after(self, tally: Tally, now: DateTime<Utc>) -> Self {
        let successes = if tally.other > 0 {
            0
        } else {
            self.successes.saturating_add(tally.unchanged)
        };
        Self {
            successes,
            affected: self.affected.saturating_add(tally.other),
            ended_at: (successes >= ENDS_AFTER).then_some(now),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wave_is_many_and_most() {
        let is_wave = |unchanged, other| Tally { unchanged, other }.is_wave();
        assert!(!is_wave(0, 9), "few tenants can fail by chance");
        assert!(is_wave(10, 10));
        assert!(!is_wave(1000, 30), "a busy minute has some drift");
    }

    #[test]
    fn it_ends_after_successes_in_a_row() {
        let now = DateTime::UNIX_EPOCH;
        let open = Incident {
            id: uuid::Uuid::nil().into(),
            started_at: now,
            ended_at: None,
            successes: 0,
            affected: 10,
        };
        let one = |unchanged, other| Tally { unchanged, other };
        let interrupted = open.after(one(2, 0), now).after(one(0, 1), now);
        assert_eq!((interrupted.successes, interrupted.affected, interrupted.ended_at), (0, 11, None));
        assert_eq!(interrupted.after(one(1, 0), now).after(one(2, 0), now).ended_at, Some(now));
    }
}
