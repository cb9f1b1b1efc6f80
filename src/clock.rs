//! The only source of time and randomness. Everyone else is handed one, so that tests decide both.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, SubsecRound, Utc};
use futures::future::BoxFuture;
use rand::{Rng, TryRng};
use uuid::Uuid;

/// Time as the system or a test tells it.
pub trait Clock: Send + Sync {
    /// To the microsecond: finer than that, Postgres would not keep it.
    fn now(&self) -> DateTime<Utc>;

    /// Monotonic, for durations.
    fn instant(&self) -> Instant;

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;

    /// Fills the buffer with bytes that nobody can guess.
    fn fill_random(&self, buffer: &mut [u8]);

    /// Fills the buffer with bytes that nobody else has: for ids, which are no secrets, and of which every request has one.
    fn fill_unique(&self, buffer: &mut [u8]) {
        self.fill_random(buffer);
    }
}

impl dyn Clock {
    /// Bytes that nobody can guess.
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill_random(&mut bytes);
        bytes
    }

    /// A new UUID of version 7, which sorts by the time it was made.
    pub fn uuid(&self) -> Uuid {
        let millis = u64::try_from(self.now().timestamp_millis()).unwrap_or_default();
        let mut bytes = [0; 10];
        self.fill_unique(&mut bytes);
        uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid()
    }
}

/// Shared by all that need the time.
pub type SharedClock = Arc<dyn Clock>;

/// The system's own clock and random source.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

#[expect(clippy::disallowed_methods, reason = "this is the place that everyone else is sent to")]
impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        Utc::now().trunc_subsecs(6)
    }

    fn instant(&self) -> Instant {
        Instant::now()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        // A system that cannot give random bytes can issue no secret: there is nothing to go on with.
        rand::rngs::SysRng.try_fill_bytes(buffer).expect("the system gives random bytes");
    }

    fn fill_unique(&self, buffer: &mut [u8]) {
        // A generator of the thread's own: asking the system each time would take a good part of what an answer takes.
        rand::rng().fill_bytes(buffer);
    }
}

impl fmt::Debug for dyn Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// A clock that moves only when a test advances it, with random bytes that a test chooses.
#[cfg(test)]
#[derive(Clone)]
pub(crate) struct MockClock {
    now: Arc<std::sync::Mutex<DateTime<Utc>>>,
    random: u8,
}

#[cfg(test)]
impl MockClock {
    pub(crate) fn new() -> Self {
        Self::with_random(7)
    }

    /// Every random byte is this one.
    pub(crate) fn with_random(random: u8) -> Self {
        let start = DateTime::UNIX_EPOCH + chrono::TimeDelta::days(20_000);
        Self {
            now: Arc::new(std::sync::Mutex::new(start)),
            random,
        }
    }

    pub(crate) fn shared(&self) -> SharedClock {
        Arc::new(self.clone())
    }

    pub(crate) fn advance(&self, by: chrono::TimeDelta) {
        *self.now.lock().unwrap() += by;
    }
}

#[cfg(test)]
impl Clock for MockClock {
    fn now(&self) -> DateTime<Utc> {
        *self.now.lock().unwrap()
    }

    #[expect(clippy::disallowed_methods, reason = "there is no other way to make an Instant")]
    fn instant(&self) -> Instant {
        Instant::now()
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(async {})
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        buffer.fill(self.random);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_the_time_they_were_made() {
        let clock: SharedClock = Arc::new(SystemClock);
        let first = clock.uuid();
        assert_eq!(first.get_version_num(), 7);
        assert_ne!(first, clock.uuid());
    }
}
