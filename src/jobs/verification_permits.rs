//! How many verifications a process works on at once.
//!
//! A verification mostly waits for AWS, and a bucket that does not respond keeps it waiting for minutes. So a verification has a permit
//! for a short time only: if it has not finished by then, it goes on without one, and the next verification starts. The number of those
//! that go on is limited, too: otherwise they would take all places of the worker, and no further verification would be fetched. One more
//! ends its attempt, and is tried again later, after first attempts.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::clock::SharedClock;

/// Longer than a verification takes when AWS responds.
const HELD_FOR: Duration = Duration::from_secs(1);

/// The most verifications in progress for each permit. Bounds the memory of those that wait.
pub(super) const PLACES_PER_PERMIT: usize = 16;

/// Of these, how many can go on without a permit. The others are for verifications that have not had one yet.
const WAITING_PER_PERMIT: usize = PLACES_PER_PERMIT / 2;

#[derive(Debug, Clone)]
pub(crate) struct VerificationPermits(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    permits: Semaphore,
    waiting: Semaphore,
}

impl VerificationPermits {
    pub(crate) fn new(permits: usize) -> Self {
        Self(Arc::new(Inner {
            permits: Semaphore::new(permits),
            waiting: Semaphore::new(permits * WAITING_PER_PERMIT),
        }))
    }

    /// Does the work once there is a permit. None if it was given up, because too many others wait for AWS.
    pub(super) async fn run<T>(&self, clock: &SharedClock, work: impl Future<Output = T>) -> Option<T> {
        let permit = self.0.permits.acquire().await;
        let mut work = pin!(work);
        tokio::select! {
            done = &mut work => return Some(done),
            () = clock.sleep(HELD_FOR) => {}
        }
        let _place = self.0.waiting.try_acquire().ok()?;
        drop(permit);
        Some(work.await)
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use futures::FutureExt;
    use futures::future::join_all;

    use super::*;
    use crate::clock::SystemClock;

    #[tokio::test(start_paused = true)]
    async fn work_that_does_not_end_leaves_places_for_other_work() {
        let clock: SharedClock = Arc::new(SystemClock);
        let permits = VerificationPermits::new(1);
        let mut endless = pin!(join_all((0..PLACES_PER_PERMIT).map(|_| permits.run(&clock, pending::<()>()))));
        tokio::select! {
            _ = &mut endless => unreachable!("some of it goes on"),
            () = clock.sleep(HELD_FOR * 100) => {}
        }
        assert_eq!(permits.0.waiting.available_permits(), 0);
        assert_eq!(permits.run(&clock, async { 1 }).now_or_never(), Some(Some(1)));
        assert_eq!(permits.run(&clock, pending::<()>()).await, None, "nobody waits for it");
    }
}
