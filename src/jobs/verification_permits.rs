//! How many verifications a process works on at once.
//!
//! A verification mostly waits for AWS, and a bucket that does not respond keeps it waiting for minutes. So a verification has a permit
//! for a short time only: if it has not finished by then, it goes on without one, and the next verification starts.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::clock::SharedClock;

/// Longer than a verification takes when AWS responds.
const HELD_FOR: Duration = Duration::from_secs(1);

/// The most verifications in progress for each permit. Bounds the memory of those that wait.
pub(super) const WAITING_PER_PERMIT: usize = 16;

#[derive(Debug, Clone)]
pub(crate) struct VerificationPermits(Arc<Semaphore>);

impl VerificationPermits {
    pub(crate) fn new(permits: usize) -> Self {
        Self(Arc::new(Semaphore::new(permits)))
    }

    /// Does the work once there is a permit.
    pub(super) async fn run<T>(&self, clock: &SharedClock, work: impl Future<Output = T>) -> T {
        let permit = self.0.acquire().await;
        let mut work = pin!(work);
        tokio::select! {
            done = &mut work => return done,
            () = clock.sleep(HELD_FOR) => drop(permit),
        }
        work.await
    }
}
