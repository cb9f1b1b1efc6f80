//! When storage configs are verified again.
//!
//! The first due time of a storage config is a hash of its ID, spread over the period. Each following one is the period shortened by
//! a random part of it: so the load is spread evenly, no two configs stay in step, none is verified at a fixed hour, and the time
//! between two looks never exceeds the period.

use std::time::Duration;

use chrono::{DateTime, NaiveTime, TimeDelta, Timelike, Utc};
use sha2::{Digest, Sha256};

use super::{Depth, Outcome, Standing, Timing};
use crate::domain::ids::StorageConfigId;

/// The share of the period after which a config is due again: at least, and at most. The rest is the time that a due config may wait
/// for its turn.
const EARLIEST: f64 = 0.80;
const LATEST: f64 = 0.95;

/// How soon a rejected config is verified again. Doubles with each repetition.
const REJECTED_FIRST: TimeDelta = TimeDelta::hours(1);
const REJECTED_LONGEST: TimeDelta = TimeDelta::days(1);

/// How soon a config without a result is verified again. Doubles with each repetition.
const UNANSWERED_FIRST: TimeDelta = TimeDelta::minutes(5);
const UNANSWERED_LONGEST: TimeDelta = TimeDelta::hours(1);

/// The longest time of day in which nothing is verified.
pub const LONGEST_QUIET: TimeDelta = TimeDelta::hours(12);

/// How often storage configs are verified again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// None turns light re-verifications off.
    pub light_every: Option<Duration>,
    /// None turns full ones off, except for configs that are not verified.
    pub full_every: Option<Duration>,
    pub quiet: Option<QuietHours>,
}

/// A time of day, in UTC, in which no re-verification is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuietHours {
    pub from: NaiveTime,
    pub until: NaiveTime,
}

impl QuietHours {
    pub fn length(self) -> TimeDelta {
        let length = self.until - self.from;
        if length <= TimeDelta::zero() {
            length + TimeDelta::days(1)
        } else {
            length
        }
    }

    fn contains(self, time: DateTime<Utc>) -> bool {
        let since = time.time().with_nanosecond(0).unwrap_or_default() - self.from;
        let since = if since < TimeDelta::zero() {
            since + TimeDelta::days(1)
        } else {
            since
        };
        since < self.length()
    }

    /// The same time after the quiet hours, if it is within them. Times within them stay spread.
    pub fn after(self, time: DateTime<Utc>) -> DateTime<Utc> {
        if self.contains(time) { time + self.length() } else { time }
    }
}

impl Schedule {
    /// Nothing is verified again on its own.
    pub const OFF: Self = Self {
        light_every: None,
        full_every: None,
        quiet: None,
    };

    /// The times of a config that was verified in full just now, for the first time.
    pub fn first(&self, config: StorageConfigId, now: DateTime<Utc>) -> Timing {
        let (light, full) = phases(config);
        let at = |every: Option<Duration>, phase: f64| every.map_or(NEVER, |every| now + part(every, LATEST * phase));
        self.timing(Standing::Verified, at(self.light_every, light), at(self.full_every, full), 0)
    }

    /// The times after a full verification with a recorded result. `random` is in `0.0..1.0`.
    pub fn after_verification(&self, before: Option<Timing>, standing: Standing, now: DateTime<Utc>, random: f64) -> Timing {
        if standing == Standing::Verified {
            return self.timing(standing, next(self.light_every, now, random), next(self.full_every, now, random), 0);
        }
        let repeats = before
            .filter(|before| before.standing == standing)
            .map_or(1, |before| before.repeats.saturating_add(1));
        Self::repeat(standing, repeats, now, random)
    }

    /// The times after a re-verification that is not recorded: its result is known already, or there is none.
    pub fn after(&self, before: Timing, depth: Depth, outcome: Outcome, now: DateTime<Utc>, random: f64) -> Timing {
        match (outcome, before.standing) {
            (Outcome::Unchanged, Standing::Verified) => {
                let full_due_at = match depth {
                    Depth::Light => before.full_due_at,
                    Depth::Full => next(self.full_every, now, random),
                };
                self.timing(Standing::Verified, next(self.light_every, now, random), full_due_at, 0)
            }
            (Outcome::Unchanged, standing) => Self::repeat(standing, before.repeats.saturating_add(1), now, random),
            // The result of the verification that was queued replaces this.
            (Outcome::Changed, _) => Timing {
                due_at: now + UNANSWERED_LONGEST,
                ..before
            },
            // Still what it was before, but not proven again.
            (Outcome::Unanswered, standing) => {
                let repeats = before.repeats.saturating_add(1);
                let wait = backoff(UNANSWERED_FIRST, UNANSWERED_LONGEST, repeats, random);
                Timing {
                    standing,
                    due_at: now + wait,
                    full_due_at: before.full_due_at,
                    repeats,
                }
            }
        }
    }

    fn repeat(standing: Standing, repeats: u32, now: DateTime<Utc>, random: f64) -> Timing {
        let (first, longest) = match standing {
            Standing::Rejected => (REJECTED_FIRST, REJECTED_LONGEST),
            Standing::Unanswered | Standing::Verified => (UNANSWERED_FIRST, UNANSWERED_LONGEST),
        };
        let due_at = now + backoff(first, longest, repeats, random);
        Timing {
            standing,
            due_at,
            full_due_at: due_at,
            repeats,
        }
    }

    fn timing(&self, standing: Standing, light: DateTime<Utc>, full: DateTime<Utc>, repeats: u32) -> Timing {
        let due_at = light.min(full);
        Timing {
            standing,
            due_at: self.quiet.map_or(due_at, |quiet| quiet.after(due_at)),
            full_due_at: full,
            repeats,
        }
    }

    /// How many of each depth are due per second, for so many verified configs.
    pub fn per_second(&self, configs: u64) -> [(Depth, f64); 2] {
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let configs = configs as f64;
        let rate = |every: Option<Duration>| every.map_or(0.0, |every| configs / (every.as_secs_f64() * f64::midpoint(EARLIEST, LATEST)));
        [(Depth::Light, rate(self.light_every)), (Depth::Full, rate(self.full_every))]
    }
}

/// Later than any due time. Postgres's `infinity` is not a time that the code can represent.
pub const NEVER: DateTime<Utc> = DateTime::from_timestamp(253_402_300_799, 0).expect("a valid time");

fn next(every: Option<Duration>, now: DateTime<Utc>, random: f64) -> DateTime<Utc> {
    every.map_or(NEVER, |every| now + part(every, EARLIEST + (LATEST - EARLIEST) * random))
}

fn part(every: Duration, share: f64) -> TimeDelta {
    TimeDelta::from_std(every.mul_f64(share)).unwrap_or(TimeDelta::MAX)
}

/// Shortened by up to a fifth, so that configs which failed together do not stay in step.
fn backoff(first: TimeDelta, longest: TimeDelta, repeats: u32, random: f64) -> TimeDelta {
    let doublings = repeats.saturating_sub(1).min(16);
    let wait = (first * 2_i32.pow(doublings)).min(longest);
    part(wait.to_std().unwrap_or_default(), 1.0 - random / 5.0)
}

/// Two numbers in `0.0..1.0` that depend on the ID only, spread evenly.
fn phases(config: StorageConfigId) -> (f64, f64) {
    let hash = Sha256::digest(config.as_uuid().as_bytes());
    let number = |bytes: &[u8]| f64::from(bytes.iter().fold(0_u32, |number, byte| number << 8 | u32::from(*byte))) / 4_294_967_296.0;
    (number(&hash[..4]), number(&hash[4..8]))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use uuid::Uuid;

    use super::*;

    const SCHEDULE: Schedule = Schedule {
        light_every: Some(Duration::from_hours(6)),
        full_every: Some(Duration::from_hours(168)),
        quiet: None,
    };

    fn time(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn quiet(from: &str, until: &str) -> QuietHours {
        QuietHours {
            from: from.parse().unwrap(),
            until: until.parse().unwrap(),
        }
    }

    #[test]
    fn the_first_times_are_spread_over_the_period() {
        let now = time("2026-01-01T00:00:00Z");
        let mut thirds = [0; 3];
        for number in 0..3000_u32 {
            let timing = SCHEDULE.first(Uuid::from_u128(u128::from(number)).into(), now);
            let share = (timing.due_at - now).as_seconds_f64() / (6.0 * 3600.0 * LATEST);
            assert!((0.0..1.0).contains(&share));
            thirds[if share < 1.0 / 3.0 {
                0
            } else {
                usize::from(share >= 2.0 / 3.0) + 1
            }] += 1;
        }
        assert!(thirds.iter().all(|third| (900..1100).contains(third)), "{thirds:?}");
    }

    #[test]
    fn the_time_between_two_looks_never_exceeds_the_period() {
        let now = time("2026-01-01T00:00:00Z");
        let before = SCHEDULE.first(Uuid::nil().into(), now);
        for random in [0.0, 0.5, 0.999_999] {
            let after = SCHEDULE.after(before, Depth::Full, Outcome::Unchanged, now, random);
            assert!(after.due_at - now <= TimeDelta::hours(6) && after.due_at - now >= TimeDelta::minutes(288));
            assert!(after.full_due_at - now <= TimeDelta::days(7) && after.full_due_at > after.due_at);
            let light = SCHEDULE.after(before, Depth::Light, Outcome::Unchanged, now, random);
            assert_eq!(light.full_due_at, before.full_due_at, "a light one does not postpone a full one");
        }
    }

    #[test]
    fn a_rejected_config_is_verified_more_and_more_rarely_but_at_least_daily() {
        let now = time("2026-01-01T00:00:00Z");
        let mut timing = SCHEDULE.after_verification(None, Standing::Rejected, now, 0.0);
        let mut hours = vec![(timing.due_at - now).num_hours()];
        for _ in 0..6 {
            timing = SCHEDULE.after(timing, Depth::Full, Outcome::Unchanged, now, 0.0);
            hours.push((timing.due_at - now).num_hours());
        }
        assert_eq!(hours, [1, 2, 4, 8, 16, 24, 24]);
        assert_eq!(SCHEDULE.after_verification(Some(timing), Standing::Verified, now, 0.0).repeats, 0);
    }

    #[test]
    fn without_an_answer_it_is_verified_again_within_an_hour() {
        let now = time("2026-01-01T00:00:00Z");
        let mut timing = SCHEDULE.after_verification(None, Standing::Unanswered, now, 0.0);
        let mut minutes = vec![(timing.due_at - now).num_minutes()];
        for _ in 0..5 {
            timing = SCHEDULE.after(timing, Depth::Full, Outcome::Unanswered, now, 0.0);
            minutes.push((timing.due_at - now).num_minutes());
        }
        assert_eq!(minutes, [5, 10, 20, 40, 60, 60]);
    }

    #[rstest]
    #[case("2026-01-01T21:59:00Z", "2026-01-01T21:59:00Z")]
    #[case("2026-01-01T22:00:00Z", "2026-01-02T06:00:00Z")]
    #[case("2026-01-02T01:30:00Z", "2026-01-02T09:30:00Z")]
    #[case("2026-01-02T06:00:00Z", "2026-01-02T06:00:00Z")]
    fn what_is_due_in_quiet_hours_is_due_after_them(#[case] due: &str, #[case] moved: &str) {
        assert_eq!(quiet("22:00:00", "06:00:00").after(time(due)), time(moved));
    }

    #[test]
    fn what_is_turned_off_is_never_due() {
        let timing = Schedule::OFF.first(Uuid::nil().into(), time("2026-01-01T00:00:00Z"));
        assert_eq!((timing.due_at, timing.full_due_at), (NEVER, NEVER));
    }
}
