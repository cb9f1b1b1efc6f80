//! Follows the change feed in Postgres, so that the read model stays current.

use std::future::Future;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgListener};
use sqlx::{Acquire, PgConnection, PgPool};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};
use uuid::Uuid;

use super::ReadModel;
use super::entry::TenantEntry;
use super::index::Index;
use crate::domain::feed::FeedCursor;
use crate::domain::ids::TenantId;
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
    #[error("the server is a standby, which may be behind; DATABASE_URL must lead to the primary")]
    Standby,
    #[error("no response within {0:?}")]
    TimedOut(Duration),
}

/// A page of the feed.
struct FeedPage {
    changes: Vec<PageEntry>,
    /// The marks of its positions, as far as the database still has them.
    marks: Vec<FeedCursor>,
}

enum PageEntry {
    Changed(TenantEntry),
    Unreadable(TenantId, i64),
}

impl FeedPage {
    fn apply(self, index: &mut Index) {
        for entry in self.changes {
            match entry {
                PageEntry::Changed(entry) => index.insert(entry),
                PageEntry::Unreadable(tenant, position) => index.remove(tenant, position),
            }
        }
        index.extend_trail(self.marks);
    }
}

impl ReadModel {
    /// Keeps the read model current until `stop`, reconnecting when the connection is lost. It has its own connection, so
    /// that requests cannot starve it.
    pub async fn follow(self, options: PgConnectOptions, stop: CancellationToken) {
        let following = async {
            let mut warned = false;
            loop {
                let pool = store::single(options.clone());
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

    /// Reads every change since the last one, and the tokens if they changed. When the database has lost changes that were read before,
    /// after a failover or a restore for example, reads everything again.
    async fn catch_up(&self, listener: &mut PgListener, tokens: &mut Option<Uuid>) -> Result<(), FeedLost> {
        let db = within(STATEMENT_TIMEOUT, listener.acquire()).await?;
        let (known, is_empty) = {
            let index = self.0.index.read();
            (index.cursor(), index.position() == 0)
        };
        let head = within(STATEMENT_TIMEOUT, config_changes::head(db, known)).await?;
        // What it has is not confirmed, however current it looks: it says nothing about how far it is behind.
        if head.is_standby {
            return Err(FeedLost::Standby);
        }
        // Without a known cursor, what was read so far cannot be trusted.
        let continues = head.continues && (known.is_some() || is_empty);
        // Until everything is read again, answers are stale.
        self.0.is_reloading.store(!continues, Ordering::Release);
        if tokens.is_none() || !self.has_schema() {
            let has_schema = within(STATEMENT_TIMEOUT, migrations::are_applied(db)).await?;
            self.0.has_schema.store(has_schema, Ordering::Relaxed);
        }
        if *tokens != Some(head.token_mark) {
            let all = within(PAGE_TIMEOUT, tokens::valid(db, self.0.clock.now())).await?;
            self.0.tokens.write().replace(all);
            *tokens = Some(head.token_mark);
        }
        if continues {
            let position = known.map_or(0, |known| known.position);
            self.read_pages(db, position, head.position, |page| page.apply(&mut self.0.index.write()))
                .await?;
            let now_at = self.position();
            self.0.position.send_if_modified(|known| known.replace(now_at) != Some(now_at));
        } else {
            warn!("the database has lost changes that were already read; reloading everything");
            let mut index = Index::default();
            self.read_pages(db, 0, head.position, |page| page.apply(&mut index)).await?;
            let position = index.position();
            *self.0.index.write() = index;
            // The position may be the same, but the changes are different.
            self.0.position.send_replace(Some(position));
            self.0.is_reloading.store(false, Ordering::Release);
        }
        Ok(())
    }

    /// Reads the changes after a position up to the head, page by page.
    async fn read_pages(
        &self,
        db: &mut PgConnection,
        mut position: i64,
        head: i64,
        mut apply: impl FnMut(FeedPage),
    ) -> Result<(), FeedLost> {
        while position < head {
            let rows = within(PAGE_TIMEOUT, config_changes::after(db, position, PAGE_SIZE)).await?;
            let Some(last) = rows.last().map(|row| row.position) else { break };
            let marks = within(PAGE_TIMEOUT, config_changes::marks(db, position, last)).await?;
            position = last;
            apply(FeedPage {
                changes: rows.into_iter().map(|row| self.read_row(row)).collect(),
                marks,
            });
        }
        Ok(())
    }

    fn read_row(&self, row: FeedRow) -> PageEntry {
        match row.change {
            Ok(change) => PageEntry::Changed(TenantEntry::new(change, &self.0.vendor)),
            Err(error) => {
                error!(%error, tenant = %row.tenant_id, "invalid storage config; the tenant is not served");
                PageEntry::Unreadable(row.tenant_id, row.position)
            }
        }
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
