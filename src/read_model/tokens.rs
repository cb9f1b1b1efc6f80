//! Tokens, by their hashes: a vendor has some thousands at most, so all of them are here.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, Utc};

use crate::domain::identity::Identity;
use crate::domain::ids::TokenId;
use crate::domain::token::{Token, TokenHash};

/// Whom a token stands for, and when it was used.
#[derive(Debug)]
pub struct TokenEntry {
    id: TokenId,
    pub expires_at: Option<DateTime<Utc>>,
    pub identity: Arc<Identity>,
    /// Seconds since the epoch; shared with the key that takes this one's place when tokens change.
    used: Arc<AtomicI64>,
}

impl TokenEntry {
    pub fn touch(&self, now: DateTime<Utc>) {
        // A store would take the line from the other cores on every request.
        let now = now.timestamp();
        if self.used.load(Ordering::Relaxed) < now {
            self.used.store(now, Ordering::Relaxed);
        }
    }
}

#[derive(Debug, Default)]
pub struct TokenIndex {
    by_hash: HashMap<TokenHash, Arc<TokenEntry>>,
}

impl TokenIndex {
    pub fn find(&self, hash: &TokenHash) -> Option<Arc<TokenEntry>> {
        self.by_hash.get(hash).cloned()
    }

    /// All tokens that are good now, in the place of those before.
    pub fn replace(&mut self, tokens: Vec<(TokenHash, Token)>) {
        let before = std::mem::take(&mut self.by_hash);
        let keep = |(hash, token): (TokenHash, Token)| {
            let used = before.get(&hash).map_or_else(Arc::default, |key| key.used.clone());
            let key = TokenEntry {
                id: token.id,
                expires_at: token.expires_at,
                identity: Arc::new(token.into()),
                used,
            };
            (hash, Arc::new(key))
        };
        self.by_hash = tokens.into_iter().map(keep).collect();
    }

    /// Which tokens were used at that time or later, and when last.
    pub fn used_since(&self, since: i64) -> Vec<(TokenId, DateTime<Utc>)> {
        let used = |key: &Arc<TokenEntry>| {
            let at = key.used.load(Ordering::Relaxed);
            DateTime::from_timestamp(at, 0)
                .filter(|_| at >= since && at > 0)
                .map(|at| (key.id, at))
        };
        self.by_hash.values().filter_map(used).collect()
    }
}
