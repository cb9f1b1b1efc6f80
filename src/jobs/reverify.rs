//! Verifies due storage configs again. Not a task of the queue: due configs are found by their own index, so that their number does not
//! slow down the queue, and a config that is not due costs nothing.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, error, info_span, warn};

use super::verification_permits::PLACES_PER_PERMIT;
use crate::domain::reverification::incident::PROBE_INTERVAL;
use crate::service::reverify::{Reverifier, pacing};
use crate::store;

/// How many configs are claimed at once. Claimed configs wait for their turn in the budget, so there must be few of them.
const BATCH: usize = 32;

/// How long nothing is done when nothing is due, and after an error.
const PAUSE: Duration = Duration::from_secs(1);

/// How often configs are looked for that were verified with other checks or documents.
const ADOPTION_INTERVAL: TimeDelta = TimeDelta::hours(1);

/// Works until `stop`, and then waits for what is in progress.
/// `concurrency` is that of verifications: as many of them are in progress at most, since most of the time they wait for AWS.
pub(crate) async fn reverify(reverifier: Reverifier, concurrency: usize, stop: CancellationToken) {
    let tasks = TaskTracker::new();
    let places = Arc::new(Semaphore::new(concurrency * PLACES_PER_PERMIT));
    let clock = reverifier.context.clock.clone();
    let mut adopted_at = None;
    let working = async {
        loop {
            // Again and again: during an update, processes with other checks are still running.
            if adopted_at.is_none_or(|at| clock.now() - at > ADOPTION_INTERVAL) {
                match reverifier.adopt_catalogue().await {
                    Ok(()) => adopted_at = Some(clock.now()),
                    Err(error) => warn!(%error, "cannot look for configs that were verified with other checks; will retry"),
                }
            }
            match work_once(&reverifier, &places, &tasks).await {
                Ok(Some(pause)) => clock.sleep(pause).await,
                Ok(None) => {}
                Err(error) => {
                    warn!(%error, "cannot find due re-verifications; will retry");
                    clock.sleep(PAUSE).await;
                }
            }
        }
    };
    stop.run_until_cancelled(working).await;
    tasks.close();
    tasks.wait().await;
}

/// Starts due re-verifications. Returns how long to wait before the next attempt, if there is nothing to do now.
async fn work_once(reverifier: &Reverifier, places: &Arc<Semaphore>, tasks: &TaskTracker) -> store::Result<Option<Duration>> {
    // People and services go first: what they have taken is over before anything else is claimed.
    if let Some(busy) = pacing::busy_for(&reverifier.context).await? {
        return Ok(Some(busy));
    }
    let Ok(permit) = places.clone().acquire_owned().await else {
        return Ok(Some(PAUSE));
    };
    let is_paused = reverifier.incidents.is_open();
    let free = if is_paused { 0 } else { places.available_permits().min(BATCH - 1) };
    let more = (0..free).map_while(|_| places.clone().try_acquire_owned().ok());
    let mut permits: Vec<_> = std::iter::once(permit).chain(more).collect();
    let claimed = reverifier.claim(i64::try_from(permits.len()).unwrap_or(1)).await?;
    if claimed.is_empty() {
        return Ok(Some(PAUSE));
    }
    pacing::wait_for_all(&reverifier.context, &claimed).await?;
    for due in claimed {
        let permit = permits.pop();
        let reverifier = reverifier.clone();
        let span = info_span!("reverification", tenant = %due.tenant, depth = %due.depth());
        let work = async move {
            if let Err(error) = reverifier.run(&due).await {
                // It is due again when its lease ends.
                error!(%error, "a re-verification failed; it will be repeated");
            }
            drop(permit);
        };
        tasks.spawn(work.instrument(span));
    }
    Ok(is_paused.then_some(PROBE_INTERVAL))
}
