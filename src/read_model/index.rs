//! All tenants of the read model, by ID, by slug, and by the position of their last change.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use super::entry::{ServingState, TenantEntry};
use super::trail::Trail;
use crate::domain::feed::FeedCursor;
use crate::domain::ids::{Slug, TenantId, TenantRef};

/// Each map points directly to the entry. A tenant that was not requested recently is in no processor cache, so every
/// indirection costs a memory access.
#[derive(Debug, Default)]
pub(crate) struct Index {
    by_id: HashMap<TenantId, Arc<TenantEntry>>,
    by_slug: HashMap<Slug, Arc<TenantEntry>>,
    by_position: BTreeMap<i64, Arc<TenantEntry>>,
    position: i64,
    trail: Trail,
}

/// The history does not contain this place, or no longer does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownCursor;

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
        self.by_position.insert(entry.place.position, entry.clone());
        self.position = self.position.max(entry.place.position);
        self.by_id.insert(entry.tenant, entry);
    }

    /// Removes a tenant whose last change cannot be read.
    pub(crate) fn remove(&mut self, tenant: TenantId, position: i64) {
        self.unlink(tenant);
        self.position = self.position.max(position);
    }

    fn unlink(&mut self, tenant: TenantId) {
        let Some(before) = self.by_id.remove(&tenant) else { return };
        self.by_position.remove(&before.place.position);
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

    /// Appends the marks of changes that were read.
    pub(crate) fn extend_trail(&mut self, marks: Vec<FeedCursor>) {
        self.trail.extend(marks);
    }

    /// Up to `limit` changes after a place, in order, and the place to continue from. None is the beginning.
    ///
    /// # Errors
    /// When the history does not contain the place.
    pub(crate) fn after(
        &self,
        place: Option<FeedCursor>,
        limit: usize,
        wanted: impl Fn(TenantId) -> bool,
    ) -> Result<(Vec<Arc<TenantEntry>>, Option<FeedCursor>), UnknownCursor> {
        if place.is_some_and(|place| !self.contains(place)) {
            return Err(UnknownCursor);
        }
        let later = (Bound::Excluded(place.map_or(0, |place| place.position)), Bound::Unbounded);
        let changed: Vec<_> = self
            .by_position
            .range(later)
            .map(|(_, entry)| entry)
            .filter(|entry| wanted(entry.tenant))
            .take(limit)
            .cloned()
            .collect();
        let is_last_page = changed.len() < limit;
        let last = changed.last().map(|entry| entry.place).filter(|_| !is_last_page);
        Ok((changed, last.or_else(|| self.trail.last()).or(place)))
    }

    fn contains(&self, place: FeedCursor) -> bool {
        let entry = self.by_position.get(&place.position);
        entry.is_some_and(|entry| entry.place.mark == place.mark) || self.trail.contains(place)
    }

    /// The place of the last change. None when nothing was read yet.
    pub(super) fn place(&self) -> Option<FeedCursor> {
        self.trail.last()
    }

    /// The position of the last change.
    pub(crate) fn position(&self) -> i64 {
        self.position
    }

    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }
}
