//! The retry schedule of mails.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::MailFault;

/// A mail is given up when it is this old.
pub(crate) const LIFETIME: TimeDelta = TimeDelta::hours(24);

/// Delays between attempts. The last one repeats. Relays that greylist accept a mail after a few minutes.
const GAPS: [Duration; 7] = [
    Duration::from_secs(30),
    Duration::from_mins(2),
    Duration::from_mins(5),
    Duration::from_mins(15),
    Duration::from_mins(30),
    Duration::from_hours(1),
    Duration::from_hours(2),
];

/// When to send a mail again after this many attempts. None if it is given up. `chance` varies the delay by up to a fifth. The last
/// attempt is made at the end of the day.
pub(crate) fn next_attempt(
    created_at: DateTime<Utc>,
    attempts: i32,
    fault: MailFault,
    now: DateTime<Utc>,
    chance: u8,
) -> Option<DateTime<Utc>> {
    let end = created_at + LIFETIME;
    if now >= end || !fault.may_pass() {
        return None;
    }
    let nth = usize::try_from(attempts - 1).unwrap_or_default().min(GAPS.len() - 1);
    let gap = GAPS[nth].mul_f64(0.8 + 0.4 * f64::from(chance) / 255.0);
    Some((now + gap).min(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    #[test]
    fn delays_grow_and_the_last_attempt_is_at_the_end_of_the_day() {
        let mut made = vec![start()];
        while let Some(next) = next_attempt(
            start(),
            i32::try_from(made.len()).unwrap(),
            MailFault::Unreachable,
            *made.last().unwrap(),
            128,
        ) {
            made.push(next);
        }
        let gaps: Vec<i64> = made.windows(2).map(|pair| (pair[1] - pair[0]).num_minutes()).collect();
        assert_eq!(gaps[..8], [0, 2, 5, 15, 30, 60, 120, 120]);
        assert_eq!(*made.last().unwrap() - start(), LIFETIME);
        assert!(gaps.len() < 20);
    }

    #[test]
    fn what_cannot_pass_is_given_up_at_once() {
        for fault in [MailFault::Rejected, MailFault::ContactStopped, MailFault::Offboarded] {
            assert_eq!(next_attempt(start(), 1, fault, start(), 0), None);
        }
        for fault in [MailFault::Deferred, MailFault::LoginRefused, MailFault::BrokenOff] {
            assert!(next_attempt(start(), 1, fault, start(), 0).is_some());
            assert_eq!(next_attempt(start(), 1, fault, start() + LIFETIME, 0), None);
        }
    }
}
