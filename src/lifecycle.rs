//! Shutdown: the first signal lets work in progress finish within the grace period, a second one stops it.

#![allow(
    clippy::disallowed_methods,
    reason = "the grace period is a timer of tokio, whose clock the tests pause"
)]

use std::future::Future;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

/// How long dropping the tasks may take. It is immediate unless a task blocks its thread.
const DROP_LIMIT: Duration = Duration::from_millis(500);

/// The tasks of the process, and the two stages of stopping them.
#[derive(Debug, Clone, Default)]
pub struct Lifecycle {
    graceful: CancellationToken,
    forced: CancellationToken,
    tasks: TaskTracker,
}

impl Lifecycle {
    /// Cancelled when a graceful shutdown begins: tasks should take no new work and return.
    pub fn shutdown(&self) -> CancellationToken {
        self.graceful.clone()
    }

    /// Starts a task. A graceful shutdown waits for it, a forced one drops it.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let forced = self.forced.clone();
        self.tasks.spawn(async move {
            forced.run_until_cancelled(task).await;
        });
    }

    /// Waits for a signal, then for the tasks. After the grace period or a second signal, the tasks are dropped.
    ///
    /// # Errors
    /// When signal handlers cannot be installed.
    pub async fn run(&self, grace: Duration) -> std::io::Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        tokio::select! {
            _ = terminate.recv() => info!("received SIGTERM: shutting down; a second signal exits immediately"),
            _ = interrupt.recv() => info!("received SIGINT: shutting down; a second signal exits immediately"),
        }
        let second = async {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        self.stop(grace, second).await;
        Ok(())
    }

    /// Stops the tasks: gracefully until `grace` is over or `forced` is ready, and then at once.
    async fn stop(&self, grace: Duration, forced: impl Future<Output = ()>) {
        self.graceful.cancel();
        self.tasks.close();
        tokio::select! {
            () = self.tasks.wait() => return,
            () = forced => warn!("received a second signal: exiting immediately"),
            () = tokio::time::sleep(grace) => warn!(tasks = self.tasks.len(), "the grace period is over: exiting with work in progress"),
        }
        self.forced.cancel();
        if tokio::time::timeout(DROP_LIMIT, self.tasks.wait()).await.is_err() {
            warn!(tasks = self.tasks.len(), "exiting with tasks that did not stop");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use tokio::time::Instant;

    use super::*;

    const GRACE: Duration = Duration::from_secs(25);

    #[tokio::test(start_paused = true)]
    async fn work_in_progress_can_finish() {
        let lifecycle = Lifecycle::default();
        let (shutdown, (done, finished)) = (lifecycle.shutdown(), tokio::sync::oneshot::channel());
        lifecycle.spawn(async move {
            shutdown.cancelled().await;
            tokio::time::sleep(GRACE / 2).await;
            done.send(()).unwrap();
        });
        let begin = Instant::now();
        lifecycle.stop(GRACE, pending()).await;
        assert_eq!(finished.await, Ok(()));
        assert_eq!(begin.elapsed(), GRACE / 2, "without waiting longer");
    }

    #[tokio::test(start_paused = true)]
    async fn endless_tasks_are_dropped_after_the_grace_period() {
        let lifecycle = Lifecycle::default();
        lifecycle.spawn(pending());
        let begin = Instant::now();
        lifecycle.stop(GRACE, pending()).await;
        assert!(begin.elapsed() < GRACE + DROP_LIMIT);
    }

    #[tokio::test(start_paused = true)]
    async fn a_second_signal_drops_tasks_immediately() {
        let lifecycle = Lifecycle::default();
        lifecycle.spawn(pending());
        let begin = Instant::now();
        lifecycle.stop(GRACE, ready(())).await;
        assert!(begin.elapsed() < DROP_LIMIT);
    }
}
