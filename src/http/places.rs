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
pub(crate) struct Places<K> {
    total: usize,
    taken: Arc<Mutex<Taken<K>>>,
}

impl<K: Hash + Eq + Clone> Places<K> {
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

    /// Takes a place for a holder with this limit. Without a holder, only the total applies.
    ///
    /// # Errors
    /// When a limit is reached.
    pub(crate) fn take(&self, holder: Option<(K, usize)>) -> Result<Place<K>, Full> {
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
        Ok(Place {
            taken: self.taken.clone(),
            holder,
        })
    }
}

/// A taken place. Dropping it frees the place.
#[derive(Debug)]
pub(crate) struct Place<K: Hash + Eq> {
    taken: Arc<Mutex<Taken<K>>>,
    holder: Option<K>,
}

impl<K: Hash + Eq> Drop for Place<K> {
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
        let places = Places::new(4);
        let held = [places.take(Some(("a", 2))), places.take(Some(("a", 2)))];
        assert!(held.iter().all(Result::is_ok));
        assert_eq!(places.take(Some(("a", 2))).err(), Some(Full::Holder));
        let other = [places.take(Some(("b", 2))), places.take(None)];
        assert!(other.iter().all(Result::is_ok));
        assert_eq!(places.take(Some(("c", 2))).err(), Some(Full::Total));
        drop(held);
        assert!(places.take(Some(("a", 2))).is_ok(), "its places are free again");
        drop(other);
        let taken = places.taken.lock();
        assert_eq!(taken.total, 0);
        assert!(taken.by_holder.is_empty(), "free places need no memory");
    }
}
