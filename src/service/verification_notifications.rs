//! Notifications of verification events from all processes. One Postgres listener serves all event streams of this process.

use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::clock::SharedClock;
use crate::domain::ids::VerificationId;
use crate::store;
use crate::store::pg_notify::VerificationListener;

/// How many notifications are buffered for a slow stream before it has to query the database.
const BACKLOG: usize = 1024;

/// Delay before reconnecting.
const RETRY: Duration = Duration::from_secs(1);

/// What a stream receives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notification {
    Of(VerificationId),
    /// Notifications may have been missed; query the database.
    Unknown,
}

#[derive(Debug, Clone)]
pub struct VerificationNotifications {
    sender: broadcast::Sender<Notification>,
}

impl Default for VerificationNotifications {
    fn default() -> Self {
        let (sender, _) = broadcast::channel(BACKLOG);
        Self { sender }
    }
}

impl VerificationNotifications {
    pub fn subscribe(&self) -> broadcast::Receiver<Notification> {
        self.sender.subscribe()
    }

    /// Listens until `stop`, reconnecting when the connection is lost. It has its own connection, so that requests cannot
    /// starve it.
    pub async fn listen(self, database: PgConnectOptions, clock: SharedClock, stop: CancellationToken) {
        let listening = async {
            loop {
                if let Err(error) = self.listen_once(&database).await {
                    warn!(%error, "lost the connection that listens for verification events");
                }
                self.send(Notification::Unknown);
                clock.sleep(RETRY).await;
            }
        };
        Box::pin(stop.run_until_cancelled(listening)).await;
    }

    async fn listen_once(&self, database: &PgConnectOptions) -> store::Result<()> {
        let mut listener = VerificationListener::connect(database.clone()).await?;
        self.send(Notification::Unknown);
        loop {
            let id = listener.next().await?;
            self.send(id.map_or(Notification::Unknown, Notification::Of));
        }
    }

    pub(super) fn send(&self, notification: Notification) {
        // It fails only when no stream is subscribed.
        let _ = self.sender.send(notification);
    }
}
