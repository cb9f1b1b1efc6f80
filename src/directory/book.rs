//! The directory's pages: every tenant that internal services may be told of, by id, by slug, and by its last change.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use super::entry::{Entry, Standing};
use crate::domain::ids::{Slug, TenantId, TenantRef};

#[derive(Debug, Default)]
pub struct Book {
    by_id: HashMap<TenantId, Arc<Entry>>,
    by_slug: HashMap<Slug, TenantId>,
    by_position: BTreeMap<i64, TenantId>,
    position: i64,
}

impl Book {
    pub fn put(&mut self, entry: Entry) {
        let entry = Arc::new(entry);
        let holder = self.by_slug.get(&entry.slug).and_then(|id| self.by_id.get(id));
        // Who ended gives its slug to whoever has it now.
        let ended = matches!(entry.standing, Standing::Offboarded);
        let taken = holder.is_some_and(|holder| holder.tenant != entry.tenant && !matches!(holder.standing, Standing::Offboarded));
        if !(ended && taken) {
            self.by_slug.insert(entry.slug.clone(), entry.tenant);
        }
        self.by_position.insert(entry.position, entry.tenant);
        self.position = self.position.max(entry.position);
        if let Some(before) = self.by_id.insert(entry.tenant, entry.clone()) {
            if before.position != entry.position {
                self.by_position.remove(&before.position);
            }
            // It was erased.
            if before.slug != entry.slug && self.by_slug.get(&before.slug) == Some(&entry.tenant) {
                self.by_slug.remove(&before.slug);
            }
        }
    }

    /// Forgets a tenant whose last change cannot be read.
    pub fn drop(&mut self, tenant: TenantId, position: i64) {
        if let Some(before) = self.by_id.remove(&tenant) {
            self.by_position.remove(&before.position);
        }
        self.position = self.position.max(position);
    }

    pub fn find(&self, tenant: &TenantRef) -> Option<Arc<Entry>> {
        let id = match tenant {
            TenantRef::Id(id) => id,
            TenantRef::Slug(slug) => self.by_slug.get(slug)?,
        };
        self.by_id.get(id).cloned()
    }

    /// What changed after a position, in order, and the position to go on from.
    pub fn after(&self, position: i64, limit: usize, wanted: impl Fn(TenantId) -> bool) -> (Vec<Arc<Entry>>, i64) {
        let later = (Bound::Excluded(position), Bound::Unbounded);
        let changed: Vec<_> = self
            .by_position
            .range(later)
            .filter(|(_, id)| wanted(**id))
            .filter_map(|(_, id)| self.by_id.get(id).cloned())
            .take(limit)
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
