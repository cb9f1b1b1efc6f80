//! A cache that loads each missing value once, however many callers wait for it.

use std::hash::Hash;
use std::time::Duration;

use futures::FutureExt;
use moka::future::Cache;

/// Values by key. When one is missing or stale, concurrent callers share a single load.
#[derive(Clone)]
pub(crate) struct SingleFlight<K, V> {
    values: Cache<K, V>,
}

/// The load panicked. Nothing was cached, so the next caller loads again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the load panicked")]
pub(crate) struct LoadPanicked;

impl<K, V> SingleFlight<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// Holds up to `capacity` values, each for at most `lifetime`.
    pub(crate) fn new(capacity: u64, lifetime: Duration) -> Self {
        Self {
            values: Cache::builder()
                .max_capacity(capacity)
                .time_to_live(lifetime)
                .support_invalidation_closures()
                .build(),
        }
    }

    /// The cached value, stale or not. Never waits for a load.
    pub(crate) fn peek(&self, key: &K) -> Option<V> {
        // A lookup never waits. It is only async because the cache does its housekeeping there.
        self.values.get(key).now_or_never().flatten()
    }

    /// The cached value unless it is missing or stale, or else the result of `load`.
    ///
    /// The load runs in its own task, so a cancelled caller does not cancel it for others.
    ///
    /// # Errors
    /// When `load` panicked.
    pub(crate) async fn get(
        &self,
        key: K,
        load: impl Future<Output = V> + Send + 'static,
        is_stale: impl Fn(&V) -> bool + Send + 'static,
    ) -> Result<V, LoadPanicked> {
        if let Some(value) = self.peek(&key).filter(|value| !is_stale(value)) {
            return Ok(value);
        }
        let values = self.values.clone();
        let loading = tokio::spawn(async move { values.entry(key).or_insert_with_if(load, is_stale).await.into_value() });
        loading.await.map_err(|_| LoadPanicked)
    }

    /// Drops every value whose key matches.
    pub(crate) fn invalidate_if(&self, matches: impl Fn(&K) -> bool + Send + Sync + 'static) {
        let registered = self.values.invalidate_entries_if(move |key, _| matches(key));
        registered.expect("the cache was built with support for invalidation closures");
    }

    /// How many values are cached, approximately.
    pub(crate) fn entry_count(&self) -> u64 {
        self.values.entry_count()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::future::join_all;

    use super::*;

    /// A cache of one value, and a load that counts how often it ran.
    struct Counted {
        cache: SingleFlight<(), usize>,
        loads: Arc<AtomicUsize>,
    }

    impl Counted {
        fn new() -> Self {
            Self {
                cache: SingleFlight::new(10, Duration::from_hours(1)),
                loads: Arc::default(),
            }
        }

        async fn get(&self, is_stale: bool) -> Result<usize, LoadPanicked> {
            let loads = self.loads.clone();
            let load = async move {
                let number = loads.fetch_add(1, Ordering::SeqCst);
                // Longer than it takes for every caller to arrive.
                for _ in 0..1000 {
                    tokio::task::yield_now().await;
                }
                number
            };
            self.cache.get((), load, move |_| is_stale).await
        }
    }

    #[tokio::test]
    async fn concurrent_callers_share_one_load() {
        let counted = Counted::new();
        let values = join_all((0..500).map(|_| counted.get(true))).await;
        assert!(values.iter().all(|value| *value == Ok(0)));
        assert_eq!(counted.loads.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_stale_value_is_loaded_again() {
        let counted = Counted::new();
        assert_eq!(counted.get(false).await, Ok(0));
        assert_eq!(counted.get(false).await, Ok(0));
        assert_eq!(counted.get(true).await, Ok(1));
    }

    #[tokio::test]
    async fn cancelling_a_caller_does_not_cancel_the_load() {
        let counted = Counted::new();
        assert_eq!(counted.get(false).now_or_never(), None);
        assert_eq!(counted.get(false).await, Ok(0));
        assert_eq!(counted.loads.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_panic_is_not_cached() {
        let counted = Counted::new();
        let panicked = counted.cache.get((), async { panic!("on purpose") }, |_| false).await;
        assert_eq!(panicked, Err(LoadPanicked));
        assert_eq!(counted.get(false).await, Ok(0));
    }

    #[tokio::test]
    async fn invalidated_values_are_loaded_again() {
        let counted = Counted::new();
        assert_eq!(counted.get(false).await, Ok(0));
        counted.cache.invalidate_if(|()| true);
        assert_eq!(counted.cache.peek(&()), None);
        assert_eq!(counted.get(false).await, Ok(1));
    }
}
