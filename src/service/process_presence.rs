//! Shows other processes that this one lives. What a dead process was working on need not wait for a timeout.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use tracing::warn;

use crate::clock::SharedClock;
use crate::store;
use crate::store::process_lock::ProcessLock;

/// Delay before the lock is taken again.
const RETRY: Duration = Duration::from_secs(1);

/// The number of this process among those that share the database, while it holds the lock with this number.
#[derive(Debug, Clone, Default)]
pub struct ProcessPresence(Arc<AtomicI32>);

/// By another process, or by a connection of this one whose end Postgres has not noticed yet.
struct NumberTaken;

/// Stands for no number.
const ABSENT: i32 = 0;

impl ProcessPresence {
    /// None while other processes cannot see that this one lives.
    pub fn process(&self) -> Option<i32> {
        let number = self.0.load(Ordering::Acquire);
        (number != ABSENT).then_some(number)
    }

    /// Holds the lock, and takes it again, with the same number, when its connection is lost.
    pub async fn hold(self, database: PgConnectOptions, clock: SharedClock) -> Infallible {
        let mut number = new_number(&clock);
        loop {
            match self.hold_once(&database, number).await {
                Ok(NumberTaken) => number = new_number(&clock),
                Err(error) => warn!(%error, "lost the connection that shows other processes that this one lives"),
            }
            self.0.store(ABSENT, Ordering::Release);
            clock.sleep(RETRY).await;
        }
    }

    async fn hold_once(&self, database: &PgConnectOptions, number: i32) -> store::Result<NumberTaken> {
        let Some(lock) = ProcessLock::acquire(database.clone(), number).await? else {
            return Ok(NumberTaken);
        };
        self.0.store(number, Ordering::Release);
        match lock.hold().await? {}
    }
}

/// A random positive number.
fn new_number(clock: &SharedClock) -> i32 {
    let [.., a, b, c, d] = clock.uuid().into_bytes();
    (i32::from_be_bytes([a, b, c, d]) & i32::MAX).max(1)
}
