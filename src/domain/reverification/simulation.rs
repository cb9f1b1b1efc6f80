//! A month of re-verification in memory: the rules of [`schedule`](super::schedule) and [`budget`](super::budget) with a scripted AWS
//! and replicas that come and go.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use uuid::Uuid;

use super::budget::{AwsService, CallRates, Calls, RecentCalls, ServiceBudget};
use super::schedule::Schedule;
use super::{Depth, Outcome, Standing, Timing};
use crate::domain::extra_action::ExtraActions;
use crate::domain::ids::StorageConfigId;
use crate::domain::storage_config::Mode;

const LIGHT: Duration = Duration::from_hours(24);
const FULL: Duration = Duration::from_hours(168);
const SCHEDULE: Schedule = Schedule {
    light_every: Some(LIGHT),
    full_every: Some(FULL),
    quiet: None,
};
const DAYS: i64 = 30;
const MODE: Mode = Mode::AssumeRole;
/// As many as a process claims at once.
const BATCH: usize = 32;
const LEASE: TimeDelta = TimeDelta::seconds(30);

/// From the start.
fn at(hours: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::hours(hours)
}

fn id(number: usize) -> StorageConfigId {
    Uuid::from_u128(number as u128).into()
}

/// AWS throttles most calls, for hours.
fn is_throttled(now: DateTime<Utc>) -> bool {
    (at(200)..at(206)).contains(&now)
}

/// Replicas that are running. One is always there, two come and go.
fn replicas(now: DateTime<Utc>) -> usize {
    let hours = (now - DateTime::UNIX_EPOCH).num_hours();
    1 + usize::from(hours % 5 != 0) + usize::from(hours % 7 < 3)
}

struct Config {
    timing: Timing,
    last_proven: DateTime<Utc>,
    longest_gap: TimeDelta,
    drift: Option<Drift>,
}

struct Drift {
    at: DateTime<Utc>,
    /// Whether the calls of a light re-verification show it.
    is_light: bool,
    found_at: Option<DateTime<Utc>>,
}

struct Simulation {
    configs: Vec<Config>,
    due: BinaryHeap<Reverse<(DateTime<Utc>, usize)>>,
    rates: CallRates,
    budgets: [(AwsService, ServiceBudget); 3],
    random: StdRng,
    /// Calls in each second, by service.
    calls: Vec<[u32; 3]>,
    /// Re-verifications in each hour.
    hourly: Vec<u32>,
    invented: usize,
}

impl Simulation {
    fn new(configs: usize, rates: CallRates) -> Self {
        let mut random = StdRng::seed_from_u64(16);
        let start = DateTime::UNIX_EPOCH;
        let all: Vec<Config> = (0..configs)
            .map(|number| {
                let drifts = random.random_bool(0.02);
                let drift = drifts.then(|| Drift {
                    at: start + TimeDelta::seconds(random.random_range(0..(DAYS - 8) * 86_400)),
                    is_light: random.random_bool(0.5),
                    found_at: None,
                });
                Config {
                    timing: SCHEDULE.first(id(number), start),
                    last_proven: start,
                    longest_gap: TimeDelta::zero(),
                    drift,
                }
            })
            .collect();
        let idle = ServiceBudget {
            free_at: start,
            halvings: 0,
            throttled_at: start - TimeDelta::days(1),
            recent: RecentCalls::default(),
        };
        let seconds = usize::try_from(DAYS * 86_400).unwrap();
        Self {
            due: all
                .iter()
                .enumerate()
                .map(|(number, config)| Reverse((config.timing.due_at, number)))
                .collect(),
            configs: all,
            rates,
            budgets: [AwsService::Sts, AwsService::Kms, AwsService::S3].map(|service| (service, idle)),
            random,
            calls: vec![[0; 3]; seconds + 60],
            hourly: vec![0; seconds / 3600 + 1],
            invented: 0,
        }
    }

    fn run(&mut self) {
        let end = at(DAYS * 24);
        let mut now = DateTime::UNIX_EPOCH;
        while let Some(Reverse((due, _))) = self.due.peek().copied() {
            now = now.max(due);
            if now >= end {
                return;
            }
            // Each running replica claims a batch. A claimed one waits for its calls, and then the replica claims again.
            let claimed: Vec<usize> = (0..BATCH * replicas(now))
                .map_while(|_| {
                    self.due
                        .peek()
                        .is_some_and(|Reverse((due, _))| *due <= now)
                        .then(|| self.due.pop())
                        .flatten()
                })
                .map(|Reverse((_, number))| number)
                .collect();
            let depths: Vec<Depth> = claimed.iter().map(|number| self.depth(*number, now)).collect();
            let calls: Calls = depths.iter().map(|depth| Calls::of(*depth, MODE, &ExtraActions::default())).sum();
            now = now.max(self.take(calls, now));
            // Now and then a replica is gone before it is done; what it had claimed is due when the lease ends.
            let is_lost = self.random.random_bool(0.001);
            for (number, depth) in claimed.into_iter().zip(depths) {
                if is_lost {
                    self.due.push(Reverse((now + LEASE, number)));
                } else {
                    self.verify(number, depth, now);
                }
            }
        }
    }

    fn depth(&self, number: usize, now: DateTime<Utc>) -> Depth {
        let timing = self.configs[number].timing;
        if timing.full_due_at <= now || timing.standing != Standing::Verified {
            Depth::Full
        } else {
            Depth::Light
        }
    }

    fn take(&mut self, calls: Calls, now: DateTime<Utc>) -> DateTime<Utc> {
        let mut starts = now;
        for (place, (service, budget)) in self.budgets.iter_mut().enumerate() {
            let (wanted, rate) = (calls.get(*service), self.rates.get(*service));
            let begins = budget.take(wanted, rate, now);
            starts = starts.max(begins);
            // The calls are made one after another, at the rate of the budget.
            let rate = budget.rate(rate, now);
            for call in 0..wanted {
                let second = (begins - DateTime::UNIX_EPOCH).as_seconds_f64() + f64::from(call) / rate;
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "seconds of a month")]
                if let Some(counted) = self.calls.get_mut(second as usize) {
                    counted[place] += 1;
                }
            }
        }
        starts
    }

    fn verify(&mut self, number: usize, depth: Depth, now: DateTime<Utc>) {
        let hour = usize::try_from((now - DateTime::UNIX_EPOCH).num_hours()).unwrap();
        if let Some(count) = self.hourly.get_mut(hour) {
            *count += 1;
        }
        let throttled = is_throttled(now) && self.random.random_bool(0.9);
        let random: f64 = self.random.random();
        let config = &mut self.configs[number];
        let drift = config
            .drift
            .as_mut()
            .filter(|drift| drift.at <= now && (drift.is_light || depth == Depth::Full));
        let outcome = if throttled {
            for (_, budget) in &mut self.budgets {
                budget.throttled(now);
            }
            Outcome::Unanswered
        } else if drift.as_ref().is_some_and(|drift| drift.found_at.is_none()) {
            Outcome::Changed
        } else {
            Outcome::Unchanged
        };
        if outcome == Outcome::Changed {
            match drift {
                Some(drift) => drift.found_at = Some(now),
                None => self.invented += 1,
            }
            // The verification that is queued is rejected.
            config.timing = SCHEDULE.after_verification(id(number), Some(config.timing), Standing::Rejected, now, random);
        } else {
            config.timing = SCHEDULE.after(id(number), config.timing, depth, outcome, now, random);
        }
        if outcome != Outcome::Unanswered {
            config.longest_gap = config.longest_gap.max(now - config.last_proven);
            config.last_proven = now;
        }
        self.due.push(Reverse((config.timing.due_at, number)));
    }
}

/// `evenness` is how far an hour may differ from the mean.
fn simulate(configs: usize, rates: CallRates, evenness: f64) {
    let mut simulation = Simulation::new(configs, rates);
    simulation.run();
    // What is due while AWS throttles is verified as soon as it answers again: at most an hour later, and once the backlog is done.
    let outage = TimeDelta::hours(6 + 3);
    let std = |period: Duration| TimeDelta::from_std(period).unwrap();
    let mut found = 0;
    for config in &simulation.configs {
        assert!(
            config.longest_gap <= std(LIGHT) + outage,
            "a tenant was left out for {}",
            config.longest_gap
        );
        let Some(drift) = &config.drift else { continue };
        let found_at = drift.found_at.expect("every drift is found");
        let period = if drift.is_light { LIGHT } else { FULL };
        let affected = drift.at < at(210) && found_at > at(200);
        let limit = if affected { std(period) + outage } else { std(period) };
        assert!(found_at - drift.at <= limit, "found after {}", found_at - drift.at);
        found += 1;
    }
    assert!(found > configs / 100, "{found} drifts are not 2 % of {configs}");
    assert_eq!(simulation.invented, 0);
    for (place, (service, _)) in simulation.budgets.iter().enumerate() {
        let most = simulation.calls.iter().map(|calls| calls[place]).max().unwrap();
        // A second can contain the end of one batch and the beginning of the next.
        assert!(most <= rates.get(*service) + 1, "{most} calls to {service} in a second");
    }
    // From the second week, without the outage and what follows it.
    let days = (8..DAYS).filter(|day| !(8..11).contains(day));
    let hours: Vec<u32> = days
        .flat_map(|day| day * 24..(day + 1) * 24)
        .map(|hour| simulation.hourly[usize::try_from(hour).unwrap()])
        .collect();
    let mean = f64::from(hours.iter().sum::<u32>()) / f64::from(u32::try_from(hours.len()).unwrap());
    let worst = hours.iter().map(|hour| (f64::from(*hour) - mean).abs() / mean).fold(0.0, f64::max);
    assert!(worst <= evenness, "an hour differs from the mean by {:.1} %", worst * 100.0);
}

/// The budget is a fiftieth of that for a million. So few differ more by chance.
#[test]
fn a_month_of_20_000_storage_configs() {
    simulate(20_000, CallRates(Calls { sts: 2, kms: 10, s3: 10 }), 0.15);
}

/// `./dev/soak tests` runs it, in about ten minutes.
#[test]
#[ignore = "long"]
fn soak_a_month_of_a_million_storage_configs() {
    simulate(
        1_000_000,
        CallRates(Calls {
            sts: 100,
            kms: 500,
            s3: 500,
        }),
        0.10,
    );
}
