//! All tenants of the read model, by ID, by slug, and by the position of their last change.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use super::entry::{ServingState, TenantEntry};
use super::recent_marks::RecentMarks;
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
    recent_marks: RecentMarks,
}

/// The history does not contain this cursor, or no longer does.
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
        self.by_position.insert(entry.cursor.position, entry.clone());
        self.position = self.position.max(entry.cursor.position);
        self.by_id.insert(entry.tenant, entry);
    }

    /// Removes a tenant whose last change cannot be read.
    pub(crate) fn remove(&mut self, tenant: TenantId, position: i64) {
        self.unlink(tenant);
        self.position = self.position.max(position);
    }

    fn unlink(&mut self, tenant: TenantId) {
        let Some(before) = self.by_id.remove(&tenant) else { return };
        self.by_position.remove(&before.cursor.position);
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
        self.recent_marks.extend(marks);
    }

    /// Up to `limit` changes after a cursor, in order, and the cursor to continue from. None is the beginning.
    ///
    /// # Errors
    /// When the history does not contain the cursor.
    pub(crate) fn after(
        &self,
        cursor: Option<FeedCursor>,
        limit: usize,
        wanted: impl Fn(TenantId) -> bool,
    ) -> Result<(Vec<Arc<TenantEntry>>, Option<FeedCursor>), UnknownCursor> {
        if cursor.is_some_and(|cursor| !self.contains(cursor)) {
            return Err(UnknownCursor);
        }
        let later = (Bound::Excluded(cursor.map_or(0, |cursor| cursor.position)), Bound::Unbounded);
        let changed: Vec<_> = self
            .by_position
            .range(later)
            .map(|(_, entry)| entry)
            .filter(|entry| wanted(entry.tenant))
            .take(limit)
            .cloned()
            .collect();
        let is_last_page = changed.len() < limit;
        let last = changed.last().map(|entry| entry.cursor).filter(|_| !is_last_page);
        Ok((changed, last.or_else(|| self.recent_marks.last()).or(cursor)))
    }

    fn contains(&self, cursor: FeedCursor) -> bool {
        let entry = self.by_position.get(&cursor.position);
        entry.is_some_and(|entry| entry.cursor.mark == cursor.mark) || self.recent_marks.contains(cursor)
    }

    /// The place of the last change. None when nothing was read yet.
    pub(super) fn cursor(&self) -> Option<FeedCursor> {
        self.recent_marks.last()
    }

    /// The position of the last change.
    pub(crate) fn position(&self) -> i64 {
        self.position
    }

    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }
}
