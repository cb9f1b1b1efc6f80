//! The directory's pages: every tenant that internal services may be told of, by id, by slug, and by its last change.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use super::entry::{ServingState, TenantEntry};
use crate::domain::ids::{Slug, TenantId, TenantRef};

/// Each map leads straight to the entry: a tenant that nobody has asked for in a while is in none of the processor's caches, and
/// every step to it waits for memory.
#[derive(Debug, Default)]
pub struct Index {
    by_id: HashMap<TenantId, Arc<TenantEntry>>,
    by_slug: HashMap<Slug, Arc<TenantEntry>>,
    by_position: BTreeMap<i64, Arc<TenantEntry>>,
    position: i64,
}

impl Index {
    pub fn put(&mut self, entry: TenantEntry) {
        let entry = Arc::new(entry);
        // Who ended gives its slug to whoever has it now.
        let ended = matches!(entry.state, ServingState::Offboarded);
        let taken = self
            .by_slug
            .get(&entry.slug)
            .is_some_and(|holder| holder.tenant != entry.tenant && !matches!(holder.state, ServingState::Offboarded));
        self.forget(entry.tenant);
        if !(ended && taken) {
            self.by_slug.insert(entry.slug.clone(), entry.clone());
        }
        self.by_position.insert(entry.position, entry.clone());
        self.position = self.position.max(entry.position);
        self.by_id.insert(entry.tenant, entry);
    }

    /// Forgets a tenant whose last change cannot be read.
    pub fn drop(&mut self, tenant: TenantId, position: i64) {
        self.forget(tenant);
        self.position = self.position.max(position);
    }

    fn forget(&mut self, tenant: TenantId) {
        let Some(before) = self.by_id.remove(&tenant) else { return };
        self.by_position.remove(&before.position);
        if self.by_slug.get(&before.slug).is_some_and(|holder| holder.tenant == tenant) {
            self.by_slug.remove(&before.slug);
        }
    }

    pub fn find(&self, tenant: &TenantRef) -> Option<Arc<TenantEntry>> {
        let found = match tenant {
            TenantRef::Id(id) => self.by_id.get(id),
            TenantRef::Slug(slug) => self.by_slug.get(slug),
        };
        found.cloned()
    }

    /// What changed after a position, in order, and the position to go on from.
    pub fn after(&self, position: i64, limit: usize, wanted: impl Fn(TenantId) -> bool) -> (Vec<Arc<TenantEntry>>, i64) {
        let later = (Bound::Excluded(position), Bound::Unbounded);
        let changed: Vec<_> = self
            .by_position
            .range(later)
            .map(|(_, entry)| entry)
            .filter(|entry| wanted(entry.tenant))
            .take(limit)
            .cloned()
            .collect();
        let whole = changed.len() < limit;
        let last = changed.last().map(|entry| entry.position).filter(|_| !whole);
        (changed, last.unwrap_or(self.position))
    }

    /// Of the last change.
    pub fn position(&self) -> i64 {
        self.position
    }

    pub fn len(&self) -> usize {
        self.by_id.len()
    }
}
