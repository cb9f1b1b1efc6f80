//! When storage configs are verified again.
//!
//! Each storage config has its own place in the period, a hash of its ID, and is due there each time, with fresh jitter. So the load is
//! spread evenly, also after an outage in which everything became due. The distance between two places is a little shorter than the
//! period: no config is verified at a fixed hour of the day, and the time between two never exceeds the period.

use std::time::Duration;

use chrono::{DateTime, NaiveTime, TimeDelta, Timelike, Utc};
use sha2::{Digest, Sha256};

use super::{Depth, Outcome, Standing, Timing};
use crate::domain::ids::StorageConfigId;

/// The distance between two places of a config, as a share of the period.
const STEP: f64 = 0.875;
/// The latest that a config is due again. The rest of the period is the time that a due config may wait for its turn.
const LATEST: f64 = 0.95;
/// The most that a config is due before its place.
const JITTER: f64 = 0.05;

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
        let (light, full) = self.next(config, now, 0.0);
        self.timing(Standing::Verified, light, full, 0)
    }

    /// The times after a full verification with a recorded result. `random` is in `0.0..1.0`.
    pub fn after_verification(
        &self,
        config: StorageConfigId,
        before: Option<Timing>,
        standing: Standing,
        now: DateTime<Utc>,
        random: f64,
    ) -> Timing {
        if standing == Standing::Verified {
            let (light, full) = self.next(config, now, random);
            return self.timing(standing, light, full, 0);
        }
        let repeats = before
            .filter(|before| before.standing == standing)
            .map_or(1, |before| before.repeats.saturating_add(1));
        Self::repeat(standing, repeats, now, random)
    }

    /// The times after a re-verification that is not recorded: its result is known already, or there is none.
    pub fn after(
        &self,
        config: StorageConfigId,
        before: Timing,
        depth: Depth,
        outcome: Outcome,
        now: DateTime<Utc>,
        random: f64,
    ) -> Timing {
        match (outcome, before.standing) {
            (Outcome::Unchanged, Standing::Verified) => {
                let (light, full) = self.next(config, now, random);
                let full = if depth == Depth::Full { full } else { before.full_due_at };
                self.timing(Standing::Verified, light, full, 0)
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

    /// The next places of both depths.
    fn next(&self, config: StorageConfigId, now: DateTime<Utc>, random: f64) -> (DateTime<Utc>, DateTime<Utc>) {
        let (light, full) = phases(config);
        let at = |every: Option<Duration>, phase| every.map_or(NEVER, |every| place(every, phase, now) - part(every, JITTER * random));
        (at(self.light_every, light), at(self.full_every, full))
    }

    /// How many of each depth are due per second, for so many verified configs.
    pub fn per_second(&self, configs: u64) -> [(Depth, f64); 2] {
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let configs = configs as f64;
        let rate = |every: Option<Duration>| every.map_or(0.0, |every| configs / (every.as_secs_f64() * STEP));
        [(Depth::Light, rate(self.light_every)), (Depth::Full, rate(self.full_every))]
    }
}

/// Later than any due time. Postgres's `infinity` is not a time that the code can represent.
pub const NEVER: DateTime<Utc> = DateTime::from_timestamp(253_402_300_799, 0).expect("a valid time");

/// The last place of a config that is not later than it may be due.
fn place(every: Duration, phase: f64, now: DateTime<Utc>) -> DateTime<Utc> {
    let latest = now + part(every, LATEST);
    let step = every.as_secs_f64() * STEP;
    let since = (latest - DateTime::UNIX_EPOCH).as_seconds_f64() - phase * step;
    #[expect(clippy::cast_possible_truncation, reason = "microseconds of some days")]
    let beyond = TimeDelta::microseconds((since.rem_euclid(step) * 1e6) as i64);
    latest - beyond
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

    fn id() -> StorageConfigId {
        Uuid::nil().into()
    }

    /// After an outage everything is verified at once, and then each at its own place again.
    #[test]
    fn what_was_verified_together_does_not_stay_together() {
        let now = time("2026-01-01T00:00:00Z");
        let mut halves = [0; 2];
        for number in 0..1000_u32 {
            let id = Uuid::from_u128(u128::from(number)).into();
            let timing = SCHEDULE.after(id, SCHEDULE.first(id, now), Depth::Light, Outcome::Unchanged, now, 0.5);
            halves[usize::from(timing.due_at - now > TimeDelta::hours(3))] += 1;
        }
        assert!(halves.iter().all(|half| (400..600).contains(half)), "{halves:?}");
    }

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
            let share = ((timing.due_at - now).as_seconds_f64() / (6.0 * 3600.0) - (LATEST - STEP)) / STEP;
            assert!((0.0..=1.0).contains(&share), "{share}");
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
        let before = SCHEDULE.first(id(), now);
        for random in [0.0, 0.5, 0.999_999] {
            let after = SCHEDULE.after(id(), before, Depth::Full, Outcome::Unchanged, before.due_at, random);
            let interval = after.due_at - before.due_at;
            assert!(interval <= TimeDelta::hours(6) && interval >= TimeDelta::hours(4), "{interval}");
            assert!(after.full_due_at - before.due_at <= TimeDelta::days(7));
            let light = SCHEDULE.after(id(), before, Depth::Light, Outcome::Unchanged, now, random);
            assert_eq!(light.full_due_at, before.full_due_at, "a light one does not postpone a full one");
        }
    }

    #[test]
    fn a_rejected_config_is_verified_more_and_more_rarely_but_at_least_daily() {
        let now = time("2026-01-01T00:00:00Z");
        let mut timing = SCHEDULE.after_verification(id(), None, Standing::Rejected, now, 0.0);
        let mut hours = vec![(timing.due_at - now).num_hours()];
        for _ in 0..6 {
            timing = SCHEDULE.after(id(), timing, Depth::Full, Outcome::Unchanged, now, 0.0);
            hours.push((timing.due_at - now).num_hours());
        }
        assert_eq!(hours, [1, 2, 4, 8, 16, 24, 24]);
        assert_eq!(
            SCHEDULE
                .after_verification(id(), Some(timing), Standing::Verified, now, 0.0)
                .repeats,
            0
        );
    }

    #[test]
    fn without_an_answer_it_is_verified_again_within_an_hour() {
        let now = time("2026-01-01T00:00:00Z");
        let mut timing = SCHEDULE.after_verification(id(), None, Standing::Unanswered, now, 0.0);
        let mut minutes = vec![(timing.due_at - now).num_minutes()];
        for _ in 0..5 {
            timing = SCHEDULE.after(id(), timing, Depth::Full, Outcome::Unanswered, now, 0.0);
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
        let timing = Schedule::OFF.first(id(), time("2026-01-01T00:00:00Z"));
        assert_eq!((timing.due_at, timing.full_due_at), (NEVER, NEVER));
    }
}
