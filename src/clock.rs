//! The only source of time and randomness. Tests use their own.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, SubsecRound, Utc};
use futures::future::BoxFuture;
use rand::{Rng, TryRng};
use uuid::Uuid;

/// Time and randomness, from the system or from a test.
pub trait Clock: Send + Sync {
    /// The time in microseconds, which is the resolution of Postgres.
    fn now(&self) -> DateTime<Utc>;

    /// Monotonic, for durations.
    fn instant(&self) -> Instant;

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;

    /// Fills the buffer with cryptographically secure random bytes, for secrets.
    fn fill_random(&self, buffer: &mut [u8]);

    /// Fills the buffer with unique bytes, for IDs. Cheaper than [`Clock::fill_random`], because every request needs an ID.
    fn fill_unique(&self, buffer: &mut [u8]) {
        self.fill_random(buffer);
    }
}

impl dyn Clock {
    /// Cryptographically secure random bytes.
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill_random(&mut bytes);
        bytes
    }

    /// A number in `0.0..1.0`, to spread things.
    pub fn fraction(&self) -> f64 {
        let mut bytes = [0; 4];
        self.fill_unique(&mut bytes);
        f64::from(u32::from_le_bytes(bytes)) / 4_294_967_296.0
    }

    /// A new UUID of version 7, which sorts by creation time.
    pub fn uuid(&self) -> Uuid {
        let millis = u64::try_from(self.now().timestamp_millis()).unwrap_or_default();
        let mut bytes = [0; 10];
        self.fill_unique(&mut bytes);
        uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid()
    }
}

pub type SharedClock = Arc<dyn Clock>;

/// The system's clock and random number generator.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

#[expect(clippy::disallowed_methods, reason = "everything else uses this clock")]
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
        // Without randomness, no secret can be issued, so the process cannot continue.
        rand::rngs::SysRng.try_fill_bytes(buffer).expect("the system provides random bytes");
    }

    fn fill_unique(&self, buffer: &mut [u8]) {
        // The thread's generator, because a system call for each ID would be expensive.
        rand::rng().fill_bytes(buffer);
    }
}

impl fmt::Debug for dyn Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// A clock that moves only when a test advances it, with random bytes that the test chooses.
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

    /// All random bytes have this value.
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
    fn ids_are_unique_and_of_version_7() {
        let clock: SharedClock = Arc::new(SystemClock);
        let first = clock.uuid();
        assert_eq!(first.get_version_num(), 7);
        assert_ne!(first, clock.uuid());
    }
}
