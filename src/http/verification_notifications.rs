//! Notifications of verification events from all processes. One Postgres listener serves all event streams of this process.

use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::clock::SharedClock;
use crate::domain::ids::VerificationId;
use crate::store::pg_notify::VERIFICATIONS;

/// How many notifications are buffered for a slow stream before it has to query the database.
const BACKLOG: usize = 1024;

/// Delay before reconnecting.
const RETRY: std::time::Duration = std::time::Duration::from_secs(1);

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

    /// Listens until `stop`, reconnecting when the connection is lost.
    pub async fn listen(self, pool: PgPool, clock: SharedClock, stop: CancellationToken) {
        let listening = async {
            loop {
                if let Err(error) = self.listen_once(&pool).await {
                    warn!(%error, "lost the connection that listens for verification events");
                }
                self.tell(Notification::Unknown);
                clock.sleep(RETRY).await;
            }
        };
        stop.run_until_cancelled(listening).await;
    }

    async fn listen_once(&self, pool: &PgPool) -> sqlx::Result<()> {
        let mut listener = PgListener::connect_with(pool).await?;
        listener.listen(VERIFICATIONS).await?;
        self.tell(Notification::Unknown);
        while let Some(notice) = listener.try_recv().await? {
            self.tell(VerificationId::parse(notice.payload()).map_or(Notification::Unknown, Notification::Of));
        }
        Ok(())
    }

    fn tell(&self, news: Notification) {
        // Without a stream there is nobody to notify.
        let _ = self.sender.send(news);
    }
}
