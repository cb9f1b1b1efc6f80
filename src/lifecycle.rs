//! Starting and stopping: a first signal lets what is under way end, a second one ends it.

use std::future::Future;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

/// The two steps of stopping, and the tasks that take part in them.
#[derive(Debug, Clone, Default)]
pub struct Lifecycle {
    soft: CancellationToken,
    hard: CancellationToken,
    tasks: TaskTracker,
}

impl Lifecycle {
    /// Resolves when no new work is to be taken.
    pub fn soft(&self) -> CancellationToken {
        self.soft.clone()
    }

    /// Starts a task that a soft stop waits for and a hard stop drops.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let hard = self.hard.clone();
        self.tasks.spawn(async move {
            hard.run_until_cancelled(task).await;
        });
    }

    /// Waits for a signal, then for the tasks; a second signal ends them.
    ///
    /// # Errors
    /// When the system lets no signal be listened for.
    pub async fn run(&self) -> std::io::Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        tokio::select! {
            _ = terminate.recv() => info!("SIGTERM: no new work; a second signal ends what is under way"),
            _ = interrupt.recv() => info!("SIGINT: no new work; a second signal ends what is under way"),
        }
        self.soft.cancel();
        self.tasks.close();
        tokio::select! {
            () = self.tasks.wait() => {}
            _ = terminate.recv() => warn!("second signal: ending now"),
            _ = interrupt.recv() => warn!("second signal: ending now"),
        }
        self.hard.cancel();
        self.tasks.wait().await;
        Ok(())
    }
}
