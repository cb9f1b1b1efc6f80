//! The retry schedule of webhook messages.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::{DeliveryFailure, DeliveryFailureKind};

/// A message is given up when it is this old and was tried at least once.
pub(crate) const LIFETIME: TimeDelta = TimeDelta::hours(24);

/// Delays between attempts. The last one repeats.
const GAPS: [Duration; 8] = [
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_mins(2),
    Duration::from_mins(10),
    Duration::from_mins(30),
    Duration::from_hours(1),
    Duration::from_hours(2),
    Duration::from_hours(4),
];

/// The longest `Retry-After` that is respected.
const LONGEST_RETRY_AFTER: Duration = Duration::from_hours(1);

/// When to send the message again after this many attempts, the last of which failed this way. None if it is given up.
/// `chance` varies the delay by up to a fifth, so that retries are spread out. The last attempt is made at the end of the
/// day.
pub(crate) fn next_attempt(
    created_at: DateTime<Utc>,
    attempts: i32,
    failure: &DeliveryFailure,
    now: DateTime<Utc>,
    chance: u8,
) -> Option<DateTime<Utc>> {
    let end = created_at + LIFETIME;
    if now >= end || failure.kind == DeliveryFailureKind::Gone {
        return None;
    }
    let nth = usize::try_from(attempts - 1).unwrap_or_default().min(GAPS.len() - 1);
    let gap = GAPS[nth].mul_f64(0.8 + 0.4 * f64::from(chance) / 255.0);
    let asked = failure.retry_after.unwrap_or_default().min(LONGEST_RETRY_AFTER);
    Some((now + gap.max(asked)).min(end))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn start() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    fn status(retry_after: Option<u64>) -> DeliveryFailure {
        DeliveryFailure {
            kind: DeliveryFailureKind::Status,
            status: Some(503),
            retry_after: retry_after.map(Duration::from_secs),
        }
    }

    /// The attempts of a message that always fails this way. Each attempt takes a second.
    fn attempts(failure: &DeliveryFailure, chance: impl Fn(i32) -> u8) -> Vec<DateTime<Utc>> {
        let mut made = vec![start()];
        loop {
            let count = i32::try_from(made.len()).unwrap();
            let now = *made.last().unwrap() + TimeDelta::seconds(1);
            match next_attempt(start(), count, failure, now, chance(count)) {
                Some(next) => made.push(next),
                None => return made,
            }
        }
    }

    #[test]
    fn delays_grow_and_the_last_attempt_is_at_the_end_of_the_day() {
        let made = attempts(&status(None), |_| 128);
        let gaps: Vec<i64> = made.windows(2).map(|pair| (pair[1] - pair[0]).num_minutes()).collect();
        assert_eq!(gaps, [0, 0, 2, 10, 30, 60, 120, 240, 240, 240, 240, 240, 16]);
        assert_eq!(*made.last().unwrap() - start(), LIFETIME);
    }

    #[test]
    fn a_receiver_can_ask_for_a_longer_delay_up_to_a_limit() {
        let next = |failure, attempts| next_attempt(start(), attempts, &failure, start(), 0).unwrap() - start();
        assert_eq!(next(status(Some(120)), 1).num_seconds(), 120);
        assert_eq!(next(status(Some(1_000_000)), 1).num_minutes(), 60);
        assert_eq!(next(status(Some(0)), 1).num_seconds(), 4);
        assert_eq!(next(status(Some(1)), 8).num_minutes(), 192);
    }

    #[test]
    fn a_message_to_a_gone_receiver_is_given_up_at_once_and_an_old_one_after_one_attempt() {
        assert_eq!(next_attempt(start(), 1, &DeliveryFailureKind::Gone.into(), start(), 0), None);
        assert_eq!(next_attempt(start(), 1, &status(None), start() + LIFETIME, 0), None);
    }

    proptest! {
        #[test]
        fn every_message_is_given_up_but_not_before_a_day(asked in proptest::option::of(0..100_000u64), chances in any::<[u8; 7]>()) {
            let made = attempts(&status(asked), |count| chances[usize::try_from(count).unwrap() % 7]);
            prop_assert!(made.len() < 40);
            let last = *made.last().unwrap() - start();
            prop_assert!(last <= LIFETIME && last + TimeDelta::seconds(1) >= LIFETIME);
            prop_assert!(made.is_sorted());
        }
    }
}
