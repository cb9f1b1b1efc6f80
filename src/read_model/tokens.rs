//! Every valid API token, by its hash. A vendor has a few thousand at most.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, Utc};

use crate::domain::identity::Identity;
use crate::domain::ids::TokenId;
use crate::domain::token::{Token, TokenHash};

/// A token's identity, and when it was last used.
#[derive(Debug)]
pub(crate) struct TokenEntry {
    id: TokenId,
    pub expires_at: Option<DateTime<Utc>>,
    pub identity: Arc<Identity>,
    /// Seconds since the epoch. Carried over when the index is replaced.
    last_used: Arc<AtomicI64>,
}

impl TokenEntry {
    pub(crate) fn touch(&self, now: DateTime<Utc>) {
        // Stored at most once per second, because every store invalidates the cache line of the other cores.
        let now = now.timestamp();
        if self.last_used.load(Ordering::Relaxed) < now {
            self.last_used.store(now, Ordering::Relaxed);
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct TokenIndex {
    by_hash: HashMap<TokenHash, Arc<TokenEntry>>,
}

impl TokenIndex {
    pub(crate) fn find(&self, hash: &TokenHash) -> Option<Arc<TokenEntry>> {
        self.by_hash.get(hash).cloned()
    }

    /// Replaces the index with the tokens that are valid now.
    pub(crate) fn replace(&mut self, tokens: Vec<(TokenHash, Token)>) {
        let before = std::mem::take(&mut self.by_hash);
        let keep = |(hash, token): (TokenHash, Token)| {
            let last_used = before.get(&hash).map_or_else(Arc::default, |entry| entry.last_used.clone());
            let entry = TokenEntry {
                id: token.id,
                expires_at: token.expires_at,
                identity: Arc::new(token.into()),
                last_used,
            };
            (hash, Arc::new(entry))
        };
        self.by_hash = tokens.into_iter().map(keep).collect();
    }

    /// The tokens that were used at or after `since` (seconds since the epoch), each with its last use.
    pub(crate) fn used_since(&self, since: i64) -> Vec<(TokenId, DateTime<Utc>)> {
        let used = |entry: &Arc<TokenEntry>| {
            let at = entry.last_used.load(Ordering::Relaxed);
            DateTime::from_timestamp(at, 0)
                .filter(|_| at >= since && at > 0)
                .map(|at| (entry.id, at))
        };
        self.by_hash.values().filter_map(used).collect()
    }
}
