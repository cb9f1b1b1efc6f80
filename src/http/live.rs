//! News of verifications, as they happen in whatever process: one listener on Postgres for all streams of this one.

use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::clock::SharedClock;
use crate::domain::ids::VerificationId;
use crate::store::notices::VERIFICATIONS;

/// How many news may wait for a slow stream before it has to look for itself.
const BACKLOG: usize = 1024;

/// Before the listener tries again after it could not connect.
const RETRY: std::time::Duration = std::time::Duration::from_secs(1);

/// What a stream hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    Of(VerificationId),
    /// Some may have been missed: look for yourself.
    Unknown,
}

#[derive(Debug, Clone)]
pub struct Live {
    sender: broadcast::Sender<News>,
}

impl Default for Live {
    fn default() -> Self {
        let (sender, _) = broadcast::channel(BACKLOG);
        Self { sender }
    }
}

impl Live {
    pub fn subscribe(&self) -> broadcast::Receiver<News> {
        self.sender.subscribe()
    }

    /// Listens until `stop`, through lost connections.
    pub async fn listen(self, pool: PgPool, clock: SharedClock, stop: CancellationToken) {
        let listening = async {
            loop {
                if let Err(error) = self.listen_once(&pool).await {
                    warn!(%error, "the listener for news lost its connection");
                }
                self.tell(News::Unknown);
                clock.sleep(RETRY).await;
            }
        };
        stop.run_until_cancelled(listening).await;
    }

    async fn listen_once(&self, pool: &PgPool) -> sqlx::Result<()> {
        let mut listener = PgListener::connect_with(pool).await?;
        listener.listen(VERIFICATIONS).await?;
        self.tell(News::Unknown);
        while let Some(notice) = listener.try_recv().await? {
            self.tell(VerificationId::parse(notice.payload()).map_or(News::Unknown, News::Of));
        }
        Ok(())
    }

    fn tell(&self, news: News) {
        // Nobody listening is as good as somebody.
        let _ = self.sender.send(news);
    }
}
