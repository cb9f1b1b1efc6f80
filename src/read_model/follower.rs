//! Following the change feed, so that the directory stays true.

use std::future::Future;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use sqlx::{Acquire, PgPool};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::ReadModel;
use super::entry::TenantEntry;
use super::index::Index;
use crate::store::config_changes::{self, CHANGES, FeedRow};
use crate::store::{self, tokens};
use crate::telemetry::metric;

/// Postgres is asked at least this often, so that what is here is confirmed well within the time that it counts as fresh
/// for, and a notice that was lost costs no more than this.
const BEAT: Duration = Duration::from_millis(250);
/// Before another try to connect.
const RETRY: Duration = Duration::from_millis(250);
/// Connecting may take its time when all do it at once, after a restart: given up too early, it would begin again for ever.
const CONNECT: Duration = Duration::from_secs(10);
/// A connection that brings no answer for so long is given up.
const SILENCE: Duration = Duration::from_secs(3);
/// Pages of the feed: large enough that the way there and back counts for nothing.
const PAGE: i64 = 5_000;
const WHOLE_PAGE: Duration = Duration::from_mins(1);
/// How often the tokens' last uses are written down.
const USES: Duration = Duration::from_secs(10);

#[derive(Debug, thiserror::Error)]
enum FeedLost {
    #[error(transparent)]
    Store(#[from] store::StoreError),
    #[error("{0}")]
    Database(#[from] sqlx::Error),
    #[error("it ended")]
    Ended,
    #[error("no answer in {0:?}")]
    Silent(Duration),
}

impl ReadModel {
    /// Keeps the directory true until `stop`, through lost connections. Has a connection of its own, which requests
    /// cannot take away.
    pub async fn follow(self, options: PgConnectOptions, stop: CancellationToken) {
        let following = async {
            let mut told = false;
            loop {
                let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(options.clone());
                let lost = self.listen(&pool, &mut told).await;
                if !told {
                    warn!(%lost, "the change feed cannot be followed: answers will be stale");
                    told = true;
                }
                metrics::gauge!(metric::DIRECTORY_FOLLOWING.name).set(0.0);
                self.0.clock.sleep(RETRY).await;
            }
        };
        Box::pin(stop.run_until_cancelled(following)).await;
    }

    /// Follows for as long as one connection lasts.
    async fn listen(&self, pool: &PgPool, told: &mut bool) -> FeedLost {
        let mut listener = match within(CONNECT, PgListener::connect_with(pool)).await {
            Ok(listener) => listener,
            Err(lost) => return lost,
        };
        if let Err(lost) = within(SILENCE, listener.listen(CHANGES)).await {
            return lost;
        }
        let mut tokens = None;
        let mut following = false;
        loop {
            // What waits is answered by the look that follows.
            while listener.next_buffered().is_some() {}
            let asked = self.0.clock.instant();
            match self.catch_up(&mut listener, &mut tokens).await {
                Ok(()) => self.confirm(asked),
                Err(lost) => return lost,
            }
            if !following {
                following = true;
                *told = false;
                metrics::gauge!(metric::DIRECTORY_FOLLOWING.name).set(1.0);
                info!(tenants = self.tenants(), position = self.position(), "following the change feed");
            }
            match tokio::time::timeout(BEAT, listener.try_recv()).await {
                Ok(Ok(Some(_))) | Err(_) => {}
                Ok(Ok(None)) => return FeedLost::Ended,
                Ok(Err(error)) => return error.into(),
            }
        }
    }

    /// Takes over whatever changed since.
    async fn catch_up(&self, listener: &mut PgListener, tokens: &mut Option<i64>) -> Result<(), FeedLost> {
        let db = within(SILENCE, listener.acquire()).await?;
        let heads = within(SILENCE, config_changes::heads(db)).await?;
        if *tokens != Some(heads.tokens) {
            let all = within(WHOLE_PAGE, tokens::good(db, self.0.clock.now())).await?;
            self.0.keys.write().unwrap_or_else(std::sync::PoisonError::into_inner).replace(all);
            *tokens = Some(heads.tokens);
        }
        if heads.position < self.position() {
            warn!("the database is behind what was read from it: everything is read again");
            self.write(|book| *book = Index::default());
        }
        let mut position = self.position();
        while position < heads.position {
            let page = within(WHOLE_PAGE, config_changes::after(db, position, PAGE)).await?;
            let Some(last) = page.last() else { break };
            position = last.position;
            self.take_over(page);
        }
        let now_at = Some(self.position());
        self.0.position.send_if_modified(|known| std::mem::replace(known, now_at) != now_at);
        Ok(())
    }

    fn take_over(&self, page: Vec<FeedRow>) {
        let entries: Vec<_> = page
            .into_iter()
            .map(|read| {
                let change = read.change.map(|change| TenantEntry::new(change, &self.0.vendor));
                (read.tenant_id, read.position, change)
            })
            .collect();
        self.write(|book| {
            for (tenant, position, entry) in entries {
                match entry {
                    Ok(entry) => book.put(entry),
                    Err(error) => {
                        error!(%error, %tenant, "this tenant's storage cannot be read, and so is not served");
                        book.drop(tenant, position);
                    }
                }
            }
        });
    }

    fn write(&self, change: impl FnOnce(&mut Index)) {
        change(&mut self.0.book.write().unwrap_or_else(std::sync::PoisonError::into_inner));
    }

    /// Writes down when tokens were last used, now and then and all at once, until `stop`.
    pub async fn note_uses(self, pool: PgPool, stop: CancellationToken) {
        let mut since = self.0.clock.now().timestamp();
        loop {
            let ending = stop.run_until_cancelled(self.0.clock.sleep(USES)).await.is_none();
            let now = self.0.clock.now().timestamp();
            let used = self.keys().used_since(since);
            if !used.is_empty() {
                match self.write_uses(&pool, &used).await {
                    Ok(()) => since = now,
                    Err(error) => warn!(%error, "when tokens were last used could not be written down"),
                }
            }
            if ending {
                return;
            }
        }
    }

    async fn write_uses(&self, pool: &PgPool, used: &[(crate::domain::ids::TokenId, chrono::DateTime<chrono::Utc>)]) -> store::Result<()> {
        let mut db = pool.acquire().await?;
        tokens::touch_all(&mut db, used).await
    }
}

async fn within<T, E: Into<FeedLost>>(patience: Duration, work: impl Future<Output = Result<T, E>>) -> Result<T, FeedLost> {
    match tokio::time::timeout(patience, work).await {
        Ok(done) => done.map_err(Into::into),
        Err(_) => Err(FeedLost::Silent(patience)),
    }
}
