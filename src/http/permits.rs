//! Limits how many things are open at the same time, such as connections and event streams: in total, and for each holder.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use parking_lot::Mutex;

/// Which limit is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    Total,
    Holder,
}

#[derive(Debug)]
struct Taken<K> {
    total: usize,
    by_holder: HashMap<K, usize>,
}

#[derive(Debug)]
pub(crate) struct Permits<K> {
    total: usize,
    taken: Arc<Mutex<Taken<K>>>,
}

impl<K: Hash + Eq + Clone> Permits<K> {
    pub(crate) fn new(total: usize) -> Self {
        let taken = Taken {
            total: 0,
            by_holder: HashMap::new(),
        };
        Self {
            total,
            taken: Arc::new(Mutex::new(taken)),
        }
    }

    /// Takes a permit for a holder with this limit. Without a holder, only the total applies.
    ///
    /// # Errors
    /// When a limit is reached.
    pub(crate) fn take(&self, holder: Option<(K, usize)>) -> Result<Permit<K>, Full> {
        let mut taken = self.taken.lock();
        if taken.total >= self.total {
            return Err(Full::Total);
        }
        let holder = match holder {
            None => None,
            Some((holder, limit)) => {
                let count = taken.by_holder.get(&holder).copied().unwrap_or(0);
                if count >= limit {
                    return Err(Full::Holder);
                }
                taken.by_holder.insert(holder.clone(), count + 1);
                Some(holder)
            }
        };
        taken.total += 1;
        Ok(Permit {
            taken: self.taken.clone(),
            holder,
        })
    }
}

/// A taken permit. Dropping it frees the permit.
#[derive(Debug)]
pub(crate) struct Permit<K: Hash + Eq> {
    taken: Arc<Mutex<Taken<K>>>,
    holder: Option<K>,
}

impl<K: Hash + Eq> Drop for Permit<K> {
    fn drop(&mut self) {
        let mut taken = self.taken.lock();
        taken.total -= 1;
        let Some(holder) = self.holder.take() else { return };
        if let Some(count) = taken.by_holder.get_mut(&holder) {
            *count -= 1;
            if *count == 0 {
                taken.by_holder.remove(&holder);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holder_cannot_take_all_places() {
        let permits = Permits::new(4);
        let held = [permits.take(Some(("a", 2))), permits.take(Some(("a", 2)))];
        assert!(held.iter().all(Result::is_ok));
        assert_eq!(permits.take(Some(("a", 2))).err(), Some(Full::Holder));
        let other = [permits.take(Some(("b", 2))), permits.take(None)];
        assert!(other.iter().all(Result::is_ok));
        assert_eq!(permits.take(Some(("c", 2))).err(), Some(Full::Total));
        drop(held);
        assert!(permits.take(Some(("a", 2))).is_ok(), "its permits are free again");
        drop(other);
        let taken = permits.taken.lock();
        assert_eq!(taken.total, 0);
        assert!(taken.by_holder.is_empty(), "free permits need no memory");
    }
}
