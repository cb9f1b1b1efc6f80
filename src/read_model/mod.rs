//! The read model behind the internal API, held in memory: every active storage config, every suspended or offboarded
//! tenant, and every API token.
//!
//! It follows the change feed in Postgres. If Postgres has not confirmed it for a second, answers are marked as stale. After
//! `LATCHKEY_STALE_FOR`, requests are rejected.
//!
//! A process holds all tenants. Each takes about 1,300 bytes (`./dev/bench scale` measures this), so a million take 1.3 GiB.
//! A cache of the busiest tenants would be smaller, but could not answer for the others while Postgres is unavailable.

mod entry;
mod follower;
mod index;
mod recent_marks;
mod tokens;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{RwLock, RwLockReadGuard};
use tokio::sync::watch;

pub use entry::{ActiveEntry, ConfigDocument, ServingState, TenantEntry};

pub use index::UnknownCursor;

use index::Index;
use tokens::TokenIndex;

use crate::clock::SharedClock;
use crate::domain::feed::FeedCursor;
use crate::domain::identity::Identity;
use crate::domain::ids::{TenantId, TenantRef};
use crate::domain::token::TokenHash;
use crate::domain::vendor::Vendor;

/// How recently an answer must have been confirmed to count as fresh.
const FRESH_FOR: Duration = Duration::from_secs(1);

/// Whether an answer is current.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    Fresh,
    /// Postgres is unavailable; this is the last known answer.
    Stale,
}

/// Why the read model cannot answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotReady {
    #[error("The tenants are still being loaded from the database.")]
    Loading,
    #[error("The database has been unavailable for too long, so the last known answer is no longer served.")]
    TooOld,
    #[error("The database is unavailable, so this process may be missing recent changes.")]
    Behind,
}

/// The process's read model. Clones share it.
#[derive(Debug, Clone)]
pub struct ReadModel(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: SharedClock,
    vendor: Arc<Vendor>,
    stale_for: Duration,
    started_at: Instant,
    /// When the content was last known to be current, in nanoseconds after `started_at`. 0 before the first time.
    confirmed: AtomicU64,
    /// The same, for callers that wait.
    confirmations: watch::Sender<u64>,
    index: RwLock<Index>,
    tokens: RwLock<TokenIndex>,
    /// None until the tenants are loaded.
    position: watch::Sender<Option<i64>>,
    /// The database has lost changes that are held here, and everything is being read again.
    is_reloading: AtomicBool,
    /// Whether the database has this version's schema.
    has_schema: AtomicBool,
}

impl ReadModel {
    pub fn new(clock: SharedClock, vendor: Arc<Vendor>, stale_for: Duration) -> Self {
        Self(Arc::new(Inner {
            started_at: clock.instant(),
            clock,
            vendor,
            stale_for,
            confirmed: AtomicU64::new(0),
            confirmations: watch::Sender::new(0),
            index: RwLock::default(),
            tokens: RwLock::default(),
            position: watch::Sender::new(None),
            has_schema: AtomicBool::new(false),
            is_reloading: AtomicBool::new(false),
        }))
    }

    /// # Errors
    /// When no answer can be given.
    pub fn freshness(&self) -> Result<Freshness, NotReady> {
        let age = self.age().ok_or(NotReady::Loading)?;
        if age <= FRESH_FOR && !self.0.is_reloading.load(Ordering::Acquire) {
            Ok(Freshness::Fresh)
        } else if age <= self.0.stale_for {
            Ok(Freshness::Stale)
        } else {
            Err(NotReady::TooOld)
        }
    }

    /// Whether the database had the schema of this version when it was last queried.
    pub fn has_schema(&self) -> bool {
        self.0.has_schema.load(Ordering::Relaxed)
    }

    /// The time since the last confirmation. None before the first one.
    pub fn age(&self) -> Option<Duration> {
        let confirmed = self.0.confirmed.load(Ordering::Acquire);
        let now = self.0.clock.instant().saturating_duration_since(self.0.started_at);
        (confirmed != 0).then(|| now.saturating_sub(Duration::from_nanos(confirmed)))
    }

    /// Records that the content is as current as Postgres was at `asked_at`.
    fn confirm(&self, asked_at: Instant) {
        let at = self.nanoseconds(asked_at).max(1);
        self.0.confirmed.store(at, Ordering::Release);
        self.0.confirmations.send_replace(at);
    }

    fn nanoseconds(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.0.started_at).as_nanos()).unwrap_or(u64::MAX)
    }

    /// Waits until everything that was committed before this call is visible here. This usually takes a few milliseconds,
    /// and at most until the next poll. It causes no load on the database.
    ///
    /// # Errors
    /// When the database is unavailable.
    pub async fn caught_up(&self) -> Result<(), NotReady> {
        if self.freshness()? == Freshness::Stale {
            return Err(NotReady::Behind);
        }
        let now = self.nanoseconds(self.0.clock.instant());
        let mut confirmations = self.0.confirmations.subscribe();
        let caught_up = confirmations.wait_for(|confirmed| *confirmed >= now);
        match tokio::time::timeout(FRESH_FOR, caught_up).await {
            Ok(Ok(_)) => Ok(()),
            _ => Err(NotReady::Behind),
        }
    }

    /// The tenant with this id, or with this slug now. None if it never had an active config.
    pub fn find(&self, tenant: &TenantRef) -> Option<Arc<TenantEntry>> {
        self.index().find(tenant)
    }

    /// The changes after a cursor, in commit order, and the cursor to continue from. None is the beginning. Each tenant appears once, with
    /// its last change.
    ///
    /// # Errors
    /// When the database's history does not contain the cursor.
    pub fn changes(
        &self,
        after: Option<FeedCursor>,
        limit: usize,
        wanted: impl Fn(TenantId) -> bool,
    ) -> Result<(Vec<Arc<TenantEntry>>, Option<FeedCursor>), UnknownCursor> {
        self.index().after(after, limit, wanted)
    }

    /// The position of the last change.
    pub fn position(&self) -> i64 {
        self.index().position()
    }

    /// Notifies of changes.
    pub fn watch(&self) -> watch::Receiver<Option<i64>> {
        self.0.position.subscribe()
    }

    /// The identity of the token with this hash, if it is valid.
    pub fn identity(&self, hash: &TokenHash) -> Option<Arc<Identity>> {
        let now = self.0.clock.now();
        let key = self.tokens().find(hash)?;
        if key.expires_at.is_some_and(|at| at <= now) {
            return None;
        }
        key.touch(now);
        Some(key.identity.clone())
    }

    pub fn tenant_count(&self) -> usize {
        self.index().len()
    }

    fn index(&self) -> RwLockReadGuard<'_, Index> {
        self.0.index.read()
    }

    fn tokens(&self) -> RwLockReadGuard<'_, TokenIndex> {
        self.0.tokens.read()
    }
}
