//! All tenants of the read model, by ID, by slug, and by the position of their last change.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use super::entry::{ServingState, TenantEntry};
use crate::domain::ids::{Slug, TenantId, TenantRef};

/// Each map points directly to the entry. A tenant that was not requested recently is in no processor cache, so every
/// indirection costs a memory access.
#[derive(Debug, Default)]
pub(crate) struct Index {
    by_id: HashMap<TenantId, Arc<TenantEntry>>,
    by_slug: HashMap<Slug, Arc<TenantEntry>>,
    by_position: BTreeMap<i64, Arc<TenantEntry>>,
    position: i64,
}

impl Index {
    pub(crate) fn insert(&mut self, entry: TenantEntry) {
        let entry = Arc::new(entry);
        // An offboarded tenant gives up its slug to the tenant that uses it now.
        let offboarded = matches!(entry.state, ServingState::Offboarded);
        let taken = self
            .by_slug
            .get(&entry.slug)
            .is_some_and(|holder| holder.tenant != entry.tenant && !matches!(holder.state, ServingState::Offboarded));
        self.unlink(entry.tenant);
        if !(offboarded && taken) {
            self.by_slug.insert(entry.slug.clone(), entry.clone());
        }
        self.by_position.insert(entry.position, entry.clone());
        self.position = self.position.max(entry.position);
        self.by_id.insert(entry.tenant, entry);
    }

    /// Removes a tenant whose last change cannot be read.
    pub(crate) fn remove(&mut self, tenant: TenantId, position: i64) {
        self.unlink(tenant);
        self.position = self.position.max(position);
    }

    fn unlink(&mut self, tenant: TenantId) {
        let Some(before) = self.by_id.remove(&tenant) else { return };
        self.by_position.remove(&before.position);
        if self.by_slug.get(&before.slug).is_some_and(|holder| holder.tenant == tenant) {
            self.by_slug.remove(&before.slug);
        }
    }

    pub(crate) fn find(&self, tenant: &TenantRef) -> Option<Arc<TenantEntry>> {
        let found = match tenant {
            TenantRef::Id(id) => self.by_id.get(id),
            TenantRef::Slug(slug) => self.by_slug.get(slug),
        };
        found.cloned()
    }

    /// Up to `limit` changes after a position, in order, and the position to continue from.
    pub(crate) fn after(&self, position: i64, limit: usize, wanted: impl Fn(TenantId) -> bool) -> (Vec<Arc<TenantEntry>>, i64) {
        let later = (Bound::Excluded(position), Bound::Unbounded);
        let changed: Vec<_> = self
            .by_position
            .range(later)
            .map(|(_, entry)| entry)
            .filter(|entry| wanted(entry.tenant))
            .take(limit)
            .cloned()
            .collect();
        let is_last_page = changed.len() < limit;
        let last = changed.last().map(|entry| entry.position).filter(|_| !is_last_page);
        (changed, last.unwrap_or(self.position))
    }

    /// The position of the last change.
    pub(crate) fn position(&self) -> i64 {
        self.position
    }

    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }
}
