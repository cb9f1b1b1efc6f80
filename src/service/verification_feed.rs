//! The events of verifications that are being watched. One task queries the database for all readers of a verification.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};
use tokio::task::AbortHandle;
use tracing::warn;

use super::verification_notifications::{Notification, VerificationNotifications};
use crate::clock::SharedClock;
use crate::domain::ids::VerificationId;
use crate::domain::verification::VerificationEvent;
use crate::store;

/// How often the database is queried without a notification. Bounds the delay after a lost connection that nobody noticed.
const LOOK: Duration = Duration::from_secs(15);

/// When notifications were lost, all feeds query the database, each at a random time within this period.
const SPREAD: Duration = Duration::from_secs(2);

/// Numbered events of a verification.
pub(crate) type Events = Vec<(i32, VerificationEvent)>;

/// The feeds that have readers. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct VerificationFeeds {
    clock: SharedClock,
    notifications: VerificationNotifications,
    open: OpenFeeds,
}

type OpenFeeds = Arc<Mutex<HashMap<VerificationId, Weak<Feed>>>>;

#[derive(Debug, Default)]
struct Known {
    events: Events,
    /// The verification has finished, or the query failed.
    ended: bool,
}

/// A feed. It ends when its last reader is dropped.
#[derive(Debug)]
struct Feed {
    id: VerificationId,
    open: OpenFeeds,
    known: watch::Receiver<Known>,
    asking: AbortHandle,
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.asking.abort();
        let mut open = self.open.lock();
        // Another feed may already have replaced it.
        if open.get(&self.id).is_some_and(|feed| feed.strong_count() == 0) {
            open.remove(&self.id);
        }
    }
}

/// A reader of a feed.
#[derive(Debug)]
pub(crate) struct FeedReader {
    known: watch::Receiver<Known>,
    after: i32,
    _feed: Arc<Feed>,
}

impl VerificationFeeds {
    pub(crate) fn new(clock: SharedClock, notifications: VerificationNotifications) -> Self {
        Self {
            clock,
            notifications,
            open: OpenFeeds::default(),
        }
    }

    /// Reads the events after the given one. `ask` queries events after a number, for all readers.
    pub(crate) fn read<F>(&self, id: VerificationId, after: i32, ask: impl Fn(i32) -> F + Send + 'static) -> FeedReader
    where
        F: Future<Output = store::Result<Events>> + Send + 'static,
    {
        let mut open = self.open.lock();
        let feed = open.get(&id).and_then(Weak::upgrade).unwrap_or_else(|| {
            let (sender, known) = watch::channel(Known::default());
            // Subscribe before the first query, so that nothing in between is missed.
            let news = self.notifications.subscribe();
            let asking = tokio::spawn(keep_asking(self.clock.clone(), id, news, ask, sender));
            let feed = Arc::new(Feed {
                id,
                open: self.open.clone(),
                known,
                asking: asking.abort_handle(),
            });
            open.insert(id, Arc::downgrade(&feed));
            feed
        });
        FeedReader {
            known: feed.known.clone(),
            after,
            _feed: feed,
        }
    }
}

impl FeedReader {
    /// Waits for the next events. None when the verification has finished, or the query failed.
    pub(crate) async fn next(&mut self) -> Option<Events> {
        loop {
            let (events, ended) = {
                let known = self.known.borrow_and_update();
                let events = known.events.iter().filter(|(number, _)| *number > self.after);
                (events.cloned().collect::<Events>(), known.ended)
            };
            if let Some((last, _)) = events.last() {
                self.after = *last;
                return Some(events);
            }
            if ended || self.known.changed().await.is_err() {
                return None;
            }
        }
    }
}

async fn keep_asking<F>(
    clock: SharedClock,
    id: VerificationId,
    mut news: broadcast::Receiver<Notification>,
    ask: impl Fn(i32) -> F,
    known: watch::Sender<Known>,
) where
    F: Future<Output = store::Result<Events>>,
{
    let mut after = 0;
    loop {
        match ask(after).await {
            Ok(events) => {
                let ended = matches!(events.last(), Some((_, VerificationEvent::Finished(_))));
                if let Some((last, _)) = events.last() {
                    after = *last;
                    known.send_modify(|known| {
                        known.events.extend(events);
                        known.ended = ended;
                    });
                }
                if ended {
                    return;
                }
            }
            Err(error) => {
                // Clients reconnect with the ID of their last event.
                warn!(%error, "event streams interrupted");
                known.send_modify(|known| known.ended = true);
                return;
            }
        }
        wait(&clock, id, &mut news).await;
    }
}

/// Waits until there may be new events.
async fn wait(clock: &SharedClock, id: VerificationId, news: &mut broadcast::Receiver<Notification>) {
    let look = clock.sleep(LOOK + random(clock, SPREAD));
    let is_told = tokio::select! {
        () = look => return,
        is_told = is_told(id, news) => is_told,
    };
    if !is_told {
        let spread = clock.sleep(random(clock, SPREAD));
        tokio::select! {
            () = spread => {}
            () = told(id, news) => {}
        }
    }
}

/// Waits for a notification about this verification.
async fn told(id: VerificationId, news: &mut broadcast::Receiver<Notification>) {
    while !is_told(id, news).await {}
}

/// Waits for a notification. False if it may concern any verification.
async fn is_told(id: VerificationId, news: &mut broadcast::Receiver<Notification>) -> bool {
    loop {
        match news.recv().await {
            Ok(Notification::Of(other)) if other != id => {}
            Ok(Notification::Of(_)) => return true,
            Ok(Notification::Unknown) | Err(RecvError::Lagged(_)) => return false,
            // There will be no further notifications.
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

/// A random part of a duration.
fn random(clock: &SharedClock, time: Duration) -> Duration {
    time * u32::from(u16::from_be_bytes(clock.random())) / (u32::from(u16::MAX) + 1)
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "tests pause tokio's clock")]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use chrono::DateTime;
    use tokio::time::Instant;

    use super::*;
    use crate::clock::SystemClock;
    use crate::domain::verification::AttemptStarted;

    /// A verification with one more event at every query.
    #[derive(Clone, Default)]
    struct Database(Arc<AtomicUsize>);

    impl Database {
        fn asked(&self) -> usize {
            self.0.load(Ordering::Relaxed)
        }

        fn ask(&self) -> impl Fn(i32) -> std::future::Ready<store::Result<Events>> + Send + 'static + use<> {
            let asked = self.0.clone();
            move |after| {
                asked.fetch_add(1, Ordering::Relaxed);
                std::future::ready(Ok(vec![event(after + 1)]))
            }
        }
    }

    fn event(number: i32) -> (i32, VerificationEvent) {
        let attempt = AttemptStarted {
            attempt: 1,
            started_at: DateTime::UNIX_EPOCH,
            next_attempt_at: None,
        };
        (number, VerificationEvent::Attempt(attempt))
    }

    fn feeds() -> VerificationFeeds {
        VerificationFeeds::new(Arc::new(SystemClock), VerificationNotifications::default())
    }

    fn id() -> VerificationId {
        VerificationId::from(uuid::Uuid::from_u128(1))
    }

    async fn numbers(reader: &mut FeedReader) -> Vec<i32> {
        let events = reader.next().await.expect("the feed goes on");
        events.into_iter().map(|(number, _)| number).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn all_readers_share_one_query() {
        let (feeds, database) = (feeds(), Database::default());
        let mut readers: Vec<_> = (0..50).map(|_| feeds.read(id(), 0, database.ask())).collect();
        for reader in &mut readers {
            assert_eq!(numbers(reader).await, [1]);
        }
        assert_eq!(database.asked(), 1);
        feeds.notifications.send(Notification::Of(id()));
        for reader in &mut readers {
            assert_eq!(numbers(reader).await, [2]);
        }
        assert_eq!(database.asked(), 2);
        let mut late = feeds.read(id(), 1, database.ask());
        assert_eq!(numbers(&mut late).await, [2], "known events are not queried again");
        assert_eq!(database.asked(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_feed_ends_with_its_last_reader() {
        let (feeds, database) = (feeds(), Database::default());
        let mut reader = feeds.read(id(), 0, database.ask());
        assert_eq!(numbers(&mut reader).await, [1]);
        drop(reader);
        assert!(feeds.open.lock().is_empty());
        tokio::time::sleep(LOOK * 10).await;
        assert_eq!(database.asked(), 1, "no further queries");
    }

    #[tokio::test(start_paused = true)]
    async fn after_lost_notifications_queries_are_spread() {
        let (feeds, begin) = (feeds(), Instant::now());
        let mut moments = Vec::new();
        let mut readers: Vec<_> = (1..=20_u128)
            .map(|number| feeds.read(VerificationId::from(uuid::Uuid::from_u128(number)), 0, Database::default().ask()))
            .collect();
        for reader in &mut readers {
            assert_eq!(numbers(reader).await, [1]);
        }
        feeds.notifications.send(Notification::Unknown);
        let waiting = readers.iter_mut().map(async |reader| {
            assert_eq!(numbers(reader).await, [2]);
            begin.elapsed()
        });
        moments.extend(futures::future::join_all(waiting).await);
        moments.sort();
        assert!(*moments.last().unwrap() <= SPREAD, "{moments:?}");
        moments.dedup();
        assert!(moments.len() > 10, "{moments:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_feed_queries_without_notifications() {
        let (feeds, database) = (feeds(), Database::default());
        let mut reader = feeds.read(id(), 0, database.ask());
        assert_eq!(numbers(&mut reader).await, [1]);
        let begin = Instant::now();
        assert_eq!(numbers(&mut reader).await, [2]);
        assert!((LOOK..=LOOK + SPREAD + Duration::from_millis(1)).contains(&begin.elapsed()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_feed_ends_when_a_query_fails() {
        let feeds = feeds();
        let ask = |_| std::future::ready(Err(sqlx::Error::PoolTimedOut.into()));
        assert!(feeds.read(id(), 0, ask).next().await.is_none());
    }
}
