//! What internal services ask for, held in memory: every active config, who is suspended or has ended, and every token.
//!
//! It is kept true by following the change feed, and says of each answer whether it still is: when Postgres has not
//! confirmed it for a second, the last known answer is given as a stale one, and at last none.
//!
//! All tenants are held, whatever their number. A tenant takes some 1,300 bytes (`./dev/bench scale` measures it), so a million
//! take 1.3 GiB of each process; a cache of the most wanted would have to ask Postgres for the others, and could not answer for
//! them while it is away.

mod entry;
mod follower;
mod index;
mod tokens;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::sync::watch;

pub use entry::{ActiveEntry, ServingState, TenantEntry};

use index::Index;
use tokens::TokenIndex;

use crate::clock::SharedClock;
use crate::domain::identity::Identity;
use crate::domain::ids::{TenantId, TenantRef};
use crate::domain::token::TokenHash;
use crate::domain::vendor::Vendor;

/// An answer that was confirmed no longer ago is the present one.
const FRESH_FOR: Duration = Duration::from_secs(1);

/// Whether an answer can be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    Fresh,
    /// Postgres is away: this is what was known last.
    Stale,
}

/// Nothing is known, or nothing that is recent enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotReady {
    #[error("The tenants' storage was not read from the database yet.")]
    Loading,
    #[error("The database has been away for so long that the last known answer is not given any more.")]
    TooOld,
    #[error("The database is away, and what may have changed a moment ago is not known here.")]
    Behind,
}

/// Shared by all who ask.
#[derive(Debug, Clone)]
pub struct ReadModel(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: SharedClock,
    vendor: Arc<Vendor>,
    stale_for: Duration,
    began: Instant,
    /// Nanoseconds after `began` at which all that is here was known to be true; 0 before the first time.
    confirmed: AtomicU64,
    /// The same, to wait for.
    beats: watch::Sender<u64>,
    book: RwLock<Index>,
    keys: RwLock<TokenIndex>,
    /// None before the first time.
    position: watch::Sender<Option<i64>>,
}

impl ReadModel {
    pub fn new(clock: SharedClock, vendor: Arc<Vendor>, stale_for: Duration) -> Self {
        Self(Arc::new(Inner {
            began: clock.instant(),
            clock,
            vendor,
            stale_for,
            confirmed: AtomicU64::new(0),
            beats: watch::Sender::new(0),
            book: RwLock::default(),
            keys: RwLock::default(),
            position: watch::Sender::new(None),
        }))
    }

    /// # Errors
    /// When nothing may be answered.
    pub fn freshness(&self) -> Result<Freshness, NotReady> {
        let age = self.age().ok_or(NotReady::Loading)?;
        if age <= FRESH_FOR {
            Ok(Freshness::Fresh)
        } else if age <= self.0.stale_for {
            Ok(Freshness::Stale)
        } else {
            Err(NotReady::TooOld)
        }
    }

    /// For how long what is here has not been confirmed; none before the first time.
    pub fn age(&self) -> Option<Duration> {
        let confirmed = self.0.confirmed.load(Ordering::Acquire);
        let now = self.0.clock.instant().saturating_duration_since(self.0.began);
        (confirmed != 0).then(|| now.saturating_sub(Duration::from_nanos(confirmed)))
    }

    /// All that was asked of Postgres at that time is here.
    fn confirm(&self, asked: Instant) {
        let at = self.nanoseconds(asked).max(1);
        self.0.confirmed.store(at, Ordering::Release);
        self.0.beats.send_replace(at);
    }

    fn nanoseconds(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.0.began).as_nanos()).unwrap_or(u64::MAX)
    }

    /// Waits until all that was committed before now is here: as a rule for some milliseconds, and no longer than the next
    /// look at the database takes. It costs the database nothing, however many wait.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn caught_up(&self) -> Result<(), NotReady> {
        if self.freshness()? == Freshness::Stale {
            return Err(NotReady::Behind);
        }
        let now = self.nanoseconds(self.0.clock.instant());
        let mut beats = self.0.beats.subscribe();
        let caught_up = beats.wait_for(|confirmed| *confirmed >= now);
        match tokio::time::timeout(FRESH_FOR, caught_up).await {
            Ok(Ok(_)) => Ok(()),
            _ => Err(NotReady::Behind),
        }
    }

    /// The tenant of this id, or the one that goes by this slug now; none that internal services were ever to know of.
    pub fn find(&self, tenant: &TenantRef) -> Option<Arc<TenantEntry>> {
        self.book().find(tenant)
    }

    /// What changed after a position, in commit order: of each tenant the last change. And the position to go on from.
    pub fn changes(&self, after: i64, limit: usize, wanted: impl Fn(TenantId) -> bool) -> (Vec<Arc<TenantEntry>>, i64) {
        self.book().after(after, limit, wanted)
    }

    /// Position of the last change that is known here.
    pub fn position(&self) -> i64 {
        self.book().position()
    }

    /// To wait for changes.
    pub fn watch(&self) -> watch::Receiver<Option<i64>> {
        self.0.position.subscribe()
    }

    /// Whom the token of this hash stands for, if it is still good.
    pub fn identity(&self, hash: &TokenHash) -> Option<Arc<Identity>> {
        let now = self.0.clock.now();
        let key = self.keys().find(hash)?;
        if key.expires_at.is_some_and(|at| at <= now) {
            return None;
        }
        key.touch(now);
        Some(key.identity.clone())
    }

    pub fn tenants(&self) -> usize {
        self.book().len()
    }

    fn book(&self) -> std::sync::RwLockReadGuard<'_, Index> {
        self.0.book.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn keys(&self) -> std::sync::RwLockReadGuard<'_, TokenIndex> {
        self.0.keys.read().unwrap_or_else(PoisonError::into_inner)
    }
}
