//! Holding and renewing, against a clock that is turned by hand and an STS that counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::{BoxFuture, join_all};

use super::chain::CredentialsRefused;
use super::slot::Slot;
use super::{Credentials, IssuedCredentials};
use crate::clock::{Clock, SharedClock};
use crate::cloud::AwsSession;
use crate::cloud::aws::tests::Hand;
use crate::domain::grant::Grant;

const DOWN: CredentialsRefused = CredentialsRefused::Unanswered {
    operation: "sts:AssumeRole",
};

fn refused() -> CredentialsRefused {
    CredentialsRefused::CustomerSide {
        operation: "sts:AssumeRole",
        code: Some("AccessDenied".into()),
    }
}

/// A slot, and an STS whose sessions last for an hour.
struct Bench {
    hand: Hand,
    clock: SharedClock,
    slot: Arc<Slot>,
    asked: Arc<AtomicUsize>,
}

impl Bench {
    fn new() -> Self {
        Self::by(Hand::new(), |hand| hand.clock())
    }

    fn by(hand: Hand, clock: impl FnOnce(&Hand) -> SharedClock) -> Self {
        Self {
            clock: clock(&hand),
            hand,
            slot: Arc::new(Slot::new(Grant::default())),
            asked: Arc::default(),
        }
    }

    async fn get(&self, answer: Result<(), CredentialsRefused>) -> Result<IssuedCredentials, CredentialsRefused> {
        let (clock, asked) = (self.clock.clone(), self.asked.clone());
        let session = || async move {
            let number = asked.fetch_add(1, Ordering::SeqCst);
            // More steps than there are callers.
            for _ in 0..1000 {
                tokio::task::yield_now().await;
            }
            answer.map(|()| AwsSession::ending(&format!("key-{number}"), clock.now() + TimeDelta::hours(1)))
        };
        self.slot.get(&self.clock, session).await
    }

    /// Gets credentials, and lets what was begun in the background end.
    async fn text(&self, answer: Result<(), CredentialsRefused>) -> Result<String, CredentialsRefused> {
        let given = self.get(answer).await.map(|given| text(&given.credentials));
        for _ in 0..2000 {
            tokio::task::yield_now().await;
        }
        given
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn text(credentials: &Credentials) -> String {
    String::from_utf8(credentials.body().to_vec()).unwrap()
}

#[tokio::test]
async fn five_hundred_cold_callers_are_one_call() {
    let bench = Bench::new();
    let given = join_all((0..500).map(|_| bench.get(Ok(())))).await;
    assert!(given.iter().all(Result::is_ok));
    assert_eq!(bench.asked(), 1);
}

#[tokio::test]
async fn they_have_the_form_that_sdks_ask_for_and_show_nothing_else() {
    let bench = Bench::new();
    let given = bench.get(Ok(())).await.unwrap();
    assert_eq!(
        text(&given.credentials),
        r#"{"AccessKeyId":"key-0","SecretAccessKey":"the-secret","Token":"the-token","Expiration":"2024-10-04T01:00:00Z"}"#
    );
    let shown = format!("{given:?}");
    assert!(!shown.contains("the-secret") && !shown.contains("the-token"), "{shown}");
}

#[tokio::test]
async fn they_are_renewed_ahead_while_they_are_in_use() {
    let bench = Bench::new();
    let first = bench.text(Ok(())).await.unwrap();
    bench.hand.turn(TimeDelta::minutes(42));
    assert_eq!(bench.text(Ok(())).await.unwrap(), first);
    assert_eq!(bench.asked(), 1, "it is too early");
    // The jitter is two minutes at most, and begins five minutes before ten minutes are left.
    bench.hand.turn(TimeDelta::minutes(3));
    assert_eq!(bench.text(Ok(())).await.unwrap(), first, "nobody waits");
    assert_eq!(bench.asked(), 2);
    assert_ne!(bench.text(Ok(())).await.unwrap(), first);
    assert_eq!(bench.asked(), 2);
}

/// A clock whose random numbers are chosen.
struct Loaded(Hand, u32);

impl Clock for Loaded {
    fn now(&self) -> DateTime<Utc> {
        self.0.now()
    }

    fn instant(&self) -> Instant {
        self.0.instant()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.0.sleep(duration)
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        buffer.copy_from_slice(&self.1.to_be_bytes());
    }
}

#[tokio::test]
async fn those_that_were_made_together_are_not_renewed_together() {
    let hand = Hand::new();
    let benches: Vec<Bench> = (0..24)
        .map(|number| Bench::by(hand.clone(), |hand| Arc::new(Loaded(hand.clone(), number * 5))))
        .collect();
    let mut renewed = Vec::new();
    for minutes in [0, 43, 1, 1] {
        hand.turn(TimeDelta::minutes(minutes));
        for bench in &benches {
            bench.text(Ok(())).await.unwrap();
        }
        renewed.push(benches.iter().filter(|bench| bench.asked() == 2).count());
    }
    assert_eq!(
        renewed,
        [0, 0, 12, 24],
        "half of them in the first of two minutes, and half in the second"
    );
}

#[tokio::test]
async fn nobody_gets_any_that_end_within_ten_minutes() {
    let bench = Bench::new();
    let first = bench.text(Ok(())).await.unwrap();
    bench.hand.turn(TimeDelta::minutes(51));
    assert_ne!(bench.text(Ok(())).await.unwrap(), first);
}

#[tokio::test]
async fn while_sts_is_down_they_are_given_as_long_as_they_are_good() {
    let bench = Bench::new();
    let first = bench.text(Ok(())).await.unwrap();
    bench.hand.turn(TimeDelta::minutes(55));
    assert_eq!(bench.text(Err(DOWN)).await.unwrap(), first);
    assert_eq!(bench.asked(), 2);
    assert_eq!(bench.text(Err(DOWN)).await.unwrap(), first);
    assert_eq!(bench.asked(), 2, "it is left alone for a while");
    bench.hand.turn(TimeDelta::seconds(6));
    assert_eq!(bench.text(Err(DOWN)).await.unwrap(), first);
    assert_eq!(bench.asked(), 3);
    bench.hand.turn(TimeDelta::minutes(5));
    assert_eq!(bench.text(Err(DOWN)).await, Err(DOWN));
}

#[tokio::test]
async fn a_refusal_ends_what_is_held_once_its_time_is_over() {
    let bench = Bench::new();
    let first = bench.text(Ok(())).await.unwrap();
    bench.hand.turn(TimeDelta::minutes(45));
    assert_eq!(bench.text(Err(refused())).await.unwrap(), first);
    bench.hand.turn(TimeDelta::minutes(6));
    assert_eq!(bench.text(Err(refused())).await, Err(refused()));
}

#[tokio::test]
async fn a_panic_keeps_nobody_waiting() {
    let bench = Bench::new();
    let broken = bench.slot.get(&bench.hand.clock(), || async { panic!("on purpose") }).await;
    assert_eq!(broken.unwrap_err(), DOWN);
    assert!(bench.text(Ok(())).await.is_ok());
}
