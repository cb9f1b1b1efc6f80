//! The database's time, which all processes share: what one of them writes, another compares.
//!
//! The clocks of hosts differ, sometimes by hours. A process therefore asks the database for the time every few seconds, and adds
//! what has passed since then by its own monotonic clock.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use futures::future::BoxFuture;
use parking_lot::RwLock;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::clock::{Clock, SharedClock};
use crate::store;
use crate::telemetry::metric;

/// How often the database is asked. Bounds how far a clock that runs at a wrong speed drifts.
const INTERVAL: Duration = Duration::from_secs(5);
/// A slower answer is too inaccurate, and is used only if there is no other.
const LONGEST_ANSWER: Duration = Duration::from_secs(1);
/// A larger difference is reported: AWS rejects requests whose time is off by more than 5 to 15 minutes, and logs are hard to read.
const WORTH_REPORTING: TimeDelta = TimeDelta::seconds(30);

/// The host's clock, corrected by the database's. Until the database has answered, it is the host's.
pub struct DatabaseClock {
    host: SharedClock,
    last_answer: RwLock<Option<(Instant, DateTime<Utc>)>>,
}

impl DatabaseClock {
    pub fn new(host: SharedClock) -> Arc<Self> {
        Arc::new(Self {
            host,
            last_answer: RwLock::default(),
        })
    }

    /// Asks the database for the time.
    ///
    /// # Errors
    /// When the database does not answer. The last answer remains in use.
    pub async fn synchronize(&self, pool: &PgPool) -> store::Result<()> {
        let mut db = store::acquire(pool).await?;
        let asked = self.host.instant();
        let time = store::time(&mut db).await?;
        let took = self.host.instant().saturating_duration_since(asked);
        let mut last_answer = self.last_answer.write();
        if took < LONGEST_ANSWER || last_answer.is_none() {
            // The database read its clock somewhere between the question and the answer.
            *last_answer = Some((asked + took / 2, time));
        }
        Ok(())
    }

    /// Keeps asking until `stop`.
    pub async fn follow(self: Arc<Self>, pool: PgPool, stop: CancellationToken) {
        let following = async {
            let mut was_off = false;
            loop {
                // While the database is unavailable, the monotonic clock continues.
                if self.synchronize(&pool).await.is_ok() {
                    let ahead = self.host.now() - self.now();
                    metrics::gauge!(metric::HOST_CLOCK_AHEAD.name).set(ahead.as_seconds_f64());
                    let is_off = ahead.abs() > WORTH_REPORTING;
                    if is_off && !was_off {
                        let seconds = ahead.num_seconds();
                        warn!(seconds, "the host clock differs from the database clock; synchronize both with NTP");
                    }
                    was_off = is_off;
                }
                self.host.sleep(INTERVAL).await;
            }
        };
        stop.run_until_cancelled(following).await;
    }
}

impl Clock for DatabaseClock {
    fn now(&self) -> DateTime<Utc> {
        let Some((asked, time)) = *self.last_answer.read() else {
            return self.host.now();
        };
        let since = self.host.instant().saturating_duration_since(asked);
        TimeDelta::from_std(since).map_or(time, |since| (time + since).trunc_subsecs(6))
    }

    fn instant(&self) -> Instant {
        self.host.instant()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.host.sleep(duration)
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        self.host.fill_random(buffer);
    }

    fn fill_unique(&self, buffer: &mut [u8]) {
        self.host.fill_unique(buffer);
    }
}
