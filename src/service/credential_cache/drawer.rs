//! What is held for one tenant's active config: credentials of each kind that was asked for.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use chrono::{DateTime, Utc};

use super::slot::Slot;
use crate::domain::active_storage::ActiveStorage;
use crate::domain::grant::Grant;
use crate::read_model::ActiveEntry;

/// A service asks for a handful of prefixes; one that asks for ever new ones gets no more than this held.
const KINDS: usize = 256;

pub struct Drawer {
    active: ActiveEntry,
    slots: Arc<RwLock<HashMap<Grant, Arc<Slot>>>>,
}

impl Drawer {
    /// With what another drawer holds, if its sessions are made in the same way.
    pub fn of(active: &ActiveEntry, before: Option<&Self>) -> Self {
        let same = |before: &&Self| chained(&before.storage()) == chained(&active.document().read());
        Self {
            active: active.clone(),
            slots: before.filter(same).map(|before| before.slots.clone()).unwrap_or_default(),
        }
    }

    pub fn is_of(&self, active: &ActiveEntry) -> bool {
        self.active.is(active)
    }

    pub fn storage(&self) -> ActiveStorage {
        self.active.document().read()
    }

    /// What is held of that kind.
    pub fn held(&self, grant: &Grant) -> Option<Arc<Slot>> {
        self.slots.read().unwrap_or_else(PoisonError::into_inner).get(grant).cloned()
    }

    pub fn slot(&self, grant: Grant, now: DateTime<Utc>) -> Arc<Slot> {
        if let Some(slot) = self.held(&grant) {
            return slot;
        }
        let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
        if slots.len() >= KINDS {
            slots.retain(|_, slot| slot.at_hand(now).is_some());
        }
        if slots.len() >= KINDS {
            slots.clear();
        }
        let slot = slots.entry(grant).or_insert_with_key(|grant| Arc::new(Slot::new(grant.clone())));
        slot.clone()
    }
}

/// All that a session depends on.
fn chained(storage: &ActiveStorage) -> impl PartialEq + use<> {
    let storage = storage.clone();
    (
        storage.mode,
        storage.bucket_arn,
        storage.region,
        storage.key_arn,
        storage.role_arn,
        storage.external_id,
        storage.vendor_role_arn,
    )
}
