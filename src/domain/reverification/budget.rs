//! How many calls to AWS may be made per second.
//!
//! AWS limits calls per account and region. All replicas share one budget per service through the database, as a time from which the
//! service is free again: taking calls moves that time, and the calls wait until the time that was there before.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumIter, EnumString, IntoEnumIterator, IntoStaticStr};

use super::Depth;
use super::schedule::Schedule;
use crate::domain::access_level::AccessLevel;
use crate::domain::api_result::ApiCall;
use crate::domain::extra_action::{ExtraActions, ExtraCall};
use crate::domain::storage_config::Mode;

/// A service of AWS with its own limits.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Display, EnumString, IntoStaticStr, EnumIter,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum AwsService {
    Sts,
    Kms,
    S3,
}

impl AwsService {
    /// The service that throttled this call, if one did.
    pub fn throttled_by(call: &ApiCall) -> Option<Self> {
        let (service, _) = call.operation.split_once(':')?;
        let service = service.parse().ok()?;
        call.is_throttled().then_some(service)
    }
}

/// Numbers of calls, by service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Calls {
    pub sts: u32,
    pub kms: u32,
    pub s3: u32,
}

impl Calls {
    /// The most that a light re-verification makes.
    pub const LIGHT: Self = Self { sts: 1, kms: 2, s3: 1 };

    /// The calls of a full verification at most. A test of the verifier compares this with the calls that it makes.
    pub fn of_full(mode: Mode, extra: &ExtraActions) -> Self {
        let sts = match mode {
            Mode::AssumeRole => 8,
            Mode::Direct => 5,
        };
        // Each is made with the tenant's access, and by each of the vendor's two callers that must be denied. The bucket is also called
        // without credentials.
        let count = |calls: fn(&ExtraCall) -> bool| {
            let count = extra.calls(AccessLevel::ReadWrite).filter(calls).count();
            u32::try_from(count).unwrap_or(u32::MAX)
        };
        Self {
            sts,
            kms: 19 + 3 * count(|call| matches!(call, ExtraCall::Key(_))),
            s3: 31 + 4 * count(|call| !matches!(call, ExtraCall::Key(_))),
        }
    }

    pub fn of(depth: Depth, mode: Mode, extra: &ExtraActions) -> Self {
        match depth {
            Depth::Light => Self::LIGHT,
            Depth::Full => Self::of_full(mode, extra),
        }
    }

    pub fn get(self, service: AwsService) -> u32 {
        match service {
            AwsService::Sts => self.sts,
            AwsService::Kms => self.kms,
            AwsService::S3 => self.s3,
        }
    }
}

impl std::iter::Sum for Calls {
    fn sum<I: Iterator<Item = Self>>(calls: I) -> Self {
        calls.fold(Self::default(), |sum, calls| Self {
            sts: sum.sts.saturating_add(calls.sts),
            kms: sum.kms.saturating_add(calls.kms),
            s3: sum.s3.saturating_add(calls.s3),
        })
    }
}

/// Calls per second, by service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallRates(pub Calls);

/// How much of the budget a schedule that fits may use. The rest is for people, credentials and retries.
const SCHEDULE_SHARE: f64 = 0.8;

/// The schedule needs more calls than the budget has.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub struct OverBudget {
    pub service: AwsService,
    pub configs: u64,
    /// Calls per second that the schedule needs.
    pub needed: f64,
    /// Calls per second that it may use.
    pub available: f64,
    /// A light period that fits, with the full period in the same proportion.
    pub light_every: Option<Duration>,
    pub full_every: Option<Duration>,
}

impl OverBudget {
    /// Calls per second that the setting must allow.
    pub fn sufficient_rate(&self) -> u32 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a positive number, and saturating"
        )]
        let rate = (self.needed / SCHEDULE_SHARE).ceil() as u32;
        rate
    }
}

impl std::fmt::Display for OverBudget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "re-verifying {} storage configs needs {:.1} calls to {} per second, but only {:.1} are available to it",
            self.configs,
            self.needed,
            <&str>::from(self.service).to_uppercase(),
            self.available
        )
    }
}

impl CallRates {
    /// For tools that call nothing.
    pub const NONE: Self = Self(Calls { sts: 0, kms: 0, s3: 0 });

    pub fn get(self, service: AwsService) -> u32 {
        self.0.get(service)
    }

    /// Whether so many storage configs can be verified on this schedule.
    ///
    /// # Errors
    /// The service that lacks most, with periods that would fit.
    pub fn check(self, schedule: &Schedule, configs: &BTreeMap<Mode, u64>, extra: &ExtraActions) -> Result<(), OverBudget> {
        let total = configs.values().sum();
        let needed = |service| -> f64 {
            let of_mode = |(mode, configs): (&Mode, &u64)| -> f64 {
                let rates = schedule.per_second(*configs);
                rates
                    .iter()
                    .map(|(depth, rate)| rate * f64::from(Calls::of(*depth, *mode, extra).get(service)))
                    .sum()
            };
            configs.iter().map(of_mode).sum()
        };
        let available = |service| f64::from(self.get(service)) * SCHEDULE_SHARE;
        let excess = |service: &AwsService| needed(*service) / available(*service).max(f64::MIN_POSITIVE);
        let Some(service) = AwsService::iter().max_by(|one, other| excess(one).total_cmp(&excess(other))) else {
            return Ok(());
        };
        let factor = excess(&service);
        if factor <= 1.0 {
            return Ok(());
        }
        // Rounded up to a whole minute.
        let longer = |every: Duration| Duration::from_mins(1).mul_f64((every.as_secs_f64() * factor / 60.0).ceil().min(1e9));
        Err(OverBudget {
            service,
            configs: total,
            needed: needed(service),
            available: available(service),
            light_every: schedule.light_every.map(longer),
            full_every: schedule.full_every.map(longer),
        })
    }
}

/// How much throttling slows a service down: it halves the rate, at most so often.
const MOST_HALVINGS: i32 = 5;
/// Reports of throttling within this time count once, since calls of many replicas are throttled together.
const THROTTLING_INTERVAL: TimeDelta = TimeDelta::seconds(5);
const MINUTE: TimeDelta = TimeDelta::minutes(1);
/// How long a service is slow before its rate doubles again.
const RECOVERY: TimeDelta = TimeDelta::minutes(1);

/// How long others wait at most for calls that did not wait themselves.
const MOST_DEBT: TimeDelta = TimeDelta::seconds(2);

/// The state of a service's budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServiceBudget {
    /// Every call that was taken so far has its time before this.
    pub free_at: DateTime<Utc>,
    /// How often the rate was halved, when it was throttled last.
    pub halvings: i32,
    pub throttled_at: DateTime<Utc>,
    pub recent: RecentCalls,
}

/// How many calls were taken lately: in one minute, and in the minute before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RecentCalls {
    /// The beginning of the minute.
    pub minute: DateTime<Utc>,
    pub calls: i64,
    pub before: i64,
}

impl RecentCalls {
    /// The same counts as of `now`.
    fn at(self, now: DateTime<Utc>) -> Self {
        let minute = now.duration_trunc(MINUTE).unwrap_or(now);
        match minute - self.minute {
            gap if gap < MINUTE => self,
            gap if gap == MINUTE => Self {
                minute,
                calls: 0,
                before: self.calls,
            },
            _ => Self {
                minute,
                calls: 0,
                before: 0,
            },
        }
    }

    fn add(&mut self, calls: u32, now: DateTime<Utc>) {
        *self = self.at(now);
        self.calls = self.calls.saturating_add(i64::from(calls));
    }

    /// Calls per second over the last minute. Those of the minute before are taken to be evenly spread.
    pub fn per_second(self, now: DateTime<Utc>) -> f64 {
        let counts = self.at(now);
        let number = |calls: i64| f64::from(i32::try_from(calls).unwrap_or(i32::MAX));
        let past = ((now - counts.minute).as_seconds_f64() / 60.0).clamp(0.0, 1.0);
        (number(counts.calls) + number(counts.before) * (1.0 - past)) / 60.0
    }
}

impl ServiceBudget {
    /// Calls per second now.
    pub fn rate(&self, configured: u32, now: DateTime<Utc>) -> f64 {
        f64::from(configured) * 0.5_f64.powi(self.halvings_left(now))
    }

    /// How often the rate is halved still.
    pub fn halvings_left(&self, now: DateTime<Utc>) -> i32 {
        let recovered = (now - self.throttled_at).num_seconds().div_euclid(RECOVERY.num_seconds());
        let left = i64::from(self.halvings).saturating_sub(recovered);
        i32::try_from(left.clamp(0, i64::from(MOST_HALVINGS))).unwrap_or_default()
    }

    /// Takes calls, and returns the time from which they may be made.
    #[must_use = "the calls must wait until then"]
    pub fn take(&mut self, calls: u32, configured: u32, now: DateTime<Utc>) -> DateTime<Utc> {
        self.recent.add(calls, now);
        let starts = self.free_at.max(now);
        let seconds = f64::from(calls) / self.rate(configured, now).max(f64::MIN_POSITIVE);
        #[expect(clippy::cast_possible_truncation, reason = "the calls of one batch take seconds")]
        let taken = TimeDelta::microseconds((seconds * 1e6).min(1e15) as i64);
        self.free_at = starts + taken;
        starts
    }

    /// Counts calls that do not wait. Others wait for them, but not for long: calls that keep exceeding the budget must not stop everything
    /// else.
    pub fn count(&mut self, calls: u32, configured: u32, now: DateTime<Utc>) {
        let before = self.free_at;
        let _ = self.take(calls, configured, now);
        self.free_at = self.free_at.min(before.max(now + MOST_DEBT));
    }

    /// AWS throttled a call.
    pub fn throttled(&mut self, now: DateTime<Utc>) {
        if now - self.throttled_at < THROTTLING_INTERVAL {
            return;
        }
        self.halvings = (self.halvings_left(now) + 1).min(MOST_HALVINGS);
        self.throttled_at = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(1_800_000_000_000 + millis).unwrap()
    }

    fn idle() -> ServiceBudget {
        ServiceBudget {
            free_at: at(-1000),
            halvings: 0,
            throttled_at: at(-86_400_000),
            recent: RecentCalls {
                minute: at(-86_400_000),
                calls: 7,
                before: 7,
            },
        }
    }

    #[test]
    fn calls_are_spread_over_time() {
        let mut budget = idle();
        assert_eq!(budget.take(10, 100, at(0)), at(0));
        assert_eq!(budget.take(10, 100, at(0)), at(100));
        assert_eq!(budget.take(1, 100, at(500)), at(500), "unused time is not saved");
    }

    #[test]
    fn use_is_that_of_the_last_minute() {
        let mut budget = idle();
        let used = |budget: &ServiceBudget, millis| budget.recent.per_second(at(millis));
        assert!(used(&budget, 0) < 1e-9, "what was taken a day ago does not count");
        let _ = budget.take(120, 100, at(0));
        budget.count(120, 100, at(30_000));
        assert!((used(&budget, 30_000) - 4.0).abs() < 1e-9);
        assert!((used(&budget, 90_000) - 2.0).abs() < 1e-9, "half of the minute before still counts");
        assert!(used(&budget, 121_000) < 1e-9);
    }

    #[test]
    fn throttling_halves_the_rate_for_all_and_it_recovers() {
        let mut budget = idle();
        for _ in 0..50 {
            budget.throttled(at(0));
        }
        assert!(
            (budget.rate(100, at(0)) - 50.0).abs() < 1e-9,
            "reports of the same moment count once"
        );
        budget.throttled(at(6000));
        assert!((budget.rate(100, at(6000)) - 25.0).abs() < 1e-9);
        assert!((budget.rate(100, at(67_000)) - 50.0).abs() < 1e-9);
        assert!((budget.rate(100, at(200_000)) - 100.0).abs() < 1e-9);
    }

    #[test]
    fn a_schedule_that_cannot_be_met_names_periods_that_can() {
        let rates = CallRates(Calls {
            sts: 10,
            kms: 1000,
            s3: 1000,
        });
        let schedule = Schedule {
            light_every: Some(Duration::from_hours(1)),
            full_every: None,
            quiet: None,
        };
        let configs = BTreeMap::from([(Mode::AssumeRole, 100_000)]);
        let over = rates.check(&schedule, &configs, &ExtraActions::default()).unwrap_err();
        assert_eq!(over.service, AwsService::Sts);
        let fits = Schedule {
            light_every: over.light_every,
            ..schedule
        };
        assert_eq!(rates.check(&fits, &configs, &ExtraActions::default()), Ok(()));
        assert!(
            over.light_every.unwrap() < Duration::from_hours(5),
            "not longer than necessary: {over:?}"
        );
    }
}
