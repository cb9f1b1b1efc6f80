//! Shutdown: the first signal lets work in progress finish, a second one stops it.

use std::future::Future;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

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

    /// Waits for a signal, then for the tasks. A second signal drops the tasks.
    ///
    /// # Errors
    /// When signal handlers cannot be installed.
    pub async fn run(&self) -> std::io::Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        tokio::select! {
            _ = terminate.recv() => info!("received SIGTERM: shutting down; a second signal exits immediately"),
            _ = interrupt.recv() => info!("received SIGINT: shutting down; a second signal exits immediately"),
        }
        self.graceful.cancel();
        self.tasks.close();
        tokio::select! {
            () = self.tasks.wait() => {}
            _ = terminate.recv() => warn!("received a second signal: exiting immediately"),
            _ = interrupt.recv() => warn!("received a second signal: exiting immediately"),
        }
        self.forced.cancel();
        self.tasks.wait().await;
        Ok(())
    }
}
