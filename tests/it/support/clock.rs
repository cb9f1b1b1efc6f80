//! The system's clock, and one that tests set forward.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::BoxFuture;
use latchkey::clock::{Clock, SharedClock, SystemClock};

pub fn clock() -> SharedClock {
    Arc::new(SystemClock)
}

/// The system's clock, set forward by hand.
#[derive(Default)]
pub struct ForwardClock(AtomicI64);

impl Clock for ForwardClock {
    fn now(&self) -> DateTime<Utc> {
        SystemClock.now() + TimeDelta::milliseconds(self.0.load(Ordering::Relaxed))
    }
    fn instant(&self) -> Instant {
        SystemClock.instant()
    }
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.forward(duration);
        Box::pin(async {})
    }
    fn fill_random(&self, buffer: &mut [u8]) {
        SystemClock.fill_random(buffer);
    }
}

impl ForwardClock {
    pub fn forward(&self, duration: Duration) {
        self.0.fetch_add(i64::try_from(duration.as_millis()).unwrap(), Ordering::Relaxed);
    }
}

/// The system's clock, set ahead by hand. It sleeps as long as it is asked to, so a server can run with it.
#[derive(Default)]
pub struct AheadClock(AtomicI64);

impl Clock for AheadClock {
    fn now(&self) -> DateTime<Utc> {
        SystemClock.now() + TimeDelta::milliseconds(self.0.load(Ordering::Relaxed))
    }
    fn instant(&self) -> Instant {
        SystemClock.instant()
    }
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        SystemClock.sleep(duration)
    }
    fn fill_random(&self, buffer: &mut [u8]) {
        SystemClock.fill_random(buffer);
    }
}

impl AheadClock {
    pub fn forward(&self, duration: Duration) {
        self.0.fetch_add(i64::try_from(duration.as_millis()).unwrap(), Ordering::Relaxed);
    }
}
