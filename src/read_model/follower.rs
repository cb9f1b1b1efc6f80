//! Follows the change feed in Postgres, so that the read model stays current.

use std::future::Future;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use sqlx::{Acquire, PgPool};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::ReadModel;
use super::entry::TenantEntry;
use super::index::Index;
use crate::store::config_changes::{self, CHANGES, FeedRow};
use crate::store::{self, migrations, tokens};
use crate::telemetry::metric;

/// The longest time between two polls. It keeps confirmations well within `FRESH_FOR`, and bounds the cost of a lost
/// notification.
const POLL_INTERVAL: Duration = Duration::from_millis(250);
/// Delay before reconnecting.
const RECONNECT_DELAY: Duration = Duration::from_millis(250);
/// Timeout of connecting. Generous, because after a restart of Postgres every client connects at once.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Timeout of a statement; after it the connection counts as lost.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(3);
/// Rows per page of the feed: large enough that round trips do not matter.
const PAGE_SIZE: i64 = 5_000;
const PAGE_TIMEOUT: Duration = Duration::from_mins(1);
/// How often the last use of each token is written to Postgres.
const TOKEN_USE_INTERVAL: Duration = Duration::from_secs(10);

#[derive(Debug, thiserror::Error)]
enum FeedLost {
    #[error(transparent)]
    Store(#[from] store::StoreError),
    #[error("{0}")]
    Database(#[from] sqlx::Error),
    #[error("the connection was closed")]
    Closed,
    #[error("no response within {0:?}")]
    TimedOut(Duration),
}

impl ReadModel {
    /// Keeps the read model current until `stop`, reconnecting when the connection is lost. It has its own connection, so
    /// that requests cannot starve it.
    pub async fn follow(self, options: PgConnectOptions, stop: CancellationToken) {
        let following = async {
            let mut warned = false;
            loop {
                let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(options.clone());
                let lost = self.listen(&pool, &mut warned).await;
                if !warned {
                    warn!(%lost, "lost the change feed; answers are stale until it reconnects");
                    warned = true;
                }
                metrics::gauge!(metric::READ_MODEL_FOLLOWING.name).set(0.0);
                self.0.clock.sleep(RECONNECT_DELAY).await;
            }
        };
        Box::pin(stop.run_until_cancelled(following)).await;
    }

    /// Follows the feed until the connection is lost.
    async fn listen(&self, pool: &PgPool, warned: &mut bool) -> FeedLost {
        let mut listener = match within(CONNECT_TIMEOUT, PgListener::connect_with(pool)).await {
            Ok(listener) => listener,
            Err(lost) => return lost,
        };
        if let Err(lost) = within(STATEMENT_TIMEOUT, listener.listen(CHANGES)).await {
            return lost;
        }
        let mut tokens = None;
        let mut following = false;
        loop {
            // Drain buffered notifications; the query below covers them.
            while listener.next_buffered().is_some() {}
            let asked_at = self.0.clock.instant();
            match self.catch_up(&mut listener, &mut tokens).await {
                Ok(()) => self.confirm(asked_at),
                Err(lost) => return lost,
            }
            if !following {
                following = true;
                *warned = false;
                metrics::gauge!(metric::READ_MODEL_FOLLOWING.name).set(1.0);
                info!(
                    tenants = self.tenant_count(),
                    position = self.position(),
                    "following the change feed"
                );
            }
            match tokio::time::timeout(POLL_INTERVAL, listener.try_recv()).await {
                Ok(Ok(Some(_))) | Err(_) => {}
                Ok(Ok(None)) => return FeedLost::Closed,
                Ok(Err(error)) => return error.into(),
            }
        }
    }

    /// Reads every change since the last position, and the tokens if they changed.
    async fn catch_up(&self, listener: &mut PgListener, tokens: &mut Option<i64>) -> Result<(), FeedLost> {
        let db = within(STATEMENT_TIMEOUT, listener.acquire()).await?;
        let counters = within(STATEMENT_TIMEOUT, config_changes::counters(db)).await?;
        if tokens.is_none() || !self.has_schema() {
            let has_schema = within(STATEMENT_TIMEOUT, migrations::are_applied(db)).await?;
            self.0.has_schema.store(has_schema, Ordering::Relaxed);
        }
        if *tokens != Some(counters.token_changes) {
            let all = within(PAGE_TIMEOUT, tokens::valid(db, self.0.clock.now())).await?;
            self.0.tokens.write().replace(all);
            *tokens = Some(counters.token_changes);
        }
        if counters.config_changes < self.position() {
            warn!("the database has lost changes that were already read; reloading everything");
            self.write(|index| *index = Index::default());
        }
        let mut position = self.position();
        while position < counters.config_changes {
            let page = within(PAGE_TIMEOUT, config_changes::after(db, position, PAGE_SIZE)).await?;
            let Some(last) = page.last() else { break };
            position = last.position;
            self.apply(page);
        }
        let now_at = Some(self.position());
        self.0.position.send_if_modified(|known| std::mem::replace(known, now_at) != now_at);
        Ok(())
    }

    fn apply(&self, page: Vec<FeedRow>) {
        let entries: Vec<_> = page
            .into_iter()
            .map(|row| {
                let change = row.change.map(|change| TenantEntry::new(change, &self.0.vendor));
                (row.tenant_id, row.position, change)
            })
            .collect();
        self.write(|index| {
            for (tenant, position, entry) in entries {
                match entry {
                    Ok(entry) => index.insert(entry),
                    Err(error) => {
                        error!(%error, %tenant, "invalid storage config; the tenant is not served");
                        index.remove(tenant, position);
                    }
                }
            }
        });
    }

    fn write(&self, change: impl FnOnce(&mut Index)) {
        change(&mut self.0.index.write());
    }

    /// Periodically writes the last use of each token to Postgres, in one statement, until `stop`.
    pub async fn record_token_uses(self, pool: PgPool, stop: CancellationToken) {
        let mut since = self.0.clock.now().timestamp();
        loop {
            let ending = stop.run_until_cancelled(self.0.clock.sleep(TOKEN_USE_INTERVAL)).await.is_none();
            let now = self.0.clock.now().timestamp();
            let used = self.tokens().used_since(since);
            if !used.is_empty() {
                match self.write_token_uses(&pool, &used).await {
                    Ok(()) => since = now,
                    Err(error) => warn!(%error, "cannot record when tokens were last used"),
                }
            }
            if ending {
                return;
            }
        }
    }

    async fn write_token_uses(
        &self,
        pool: &PgPool,
        used: &[(crate::domain::ids::TokenId, chrono::DateTime<chrono::Utc>)],
    ) -> store::Result<()> {
        let mut db = pool.acquire().await?;
        tokens::touch_all(&mut db, used).await
    }
}

async fn within<T, E: Into<FeedLost>>(limit: Duration, work: impl Future<Output = Result<T, E>>) -> Result<T, FeedLost> {
    match tokio::time::timeout(limit, work).await {
        Ok(done) => done.map_err(Into::into),
        Err(_) => Err(FeedLost::TimedOut(limit)),
    }
}
