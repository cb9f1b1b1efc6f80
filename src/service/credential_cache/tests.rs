//! Caching and renewal, against a mock clock and an STS that counts its calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::TimeDelta;
use futures::future::join_all;

use super::document_session::CredentialsRefused;
use super::renewal::RenewingCache;
use super::{Credentials, IssuedCredentials};
use crate::clock::MockClock;
use crate::cloud::AwsSession;

const NO_ANSWER: CredentialsRefused = CredentialsRefused::UNANSWERED;

fn refused() -> CredentialsRefused {
    CredentialsRefused::CustomerSide {
        operation: "sts:AssumeRole",
        code: Some("AccessDenied".into()),
    }
}

/// A cache of one key, and an STS whose sessions last for an hour.
struct Counted {
    clock: MockClock,
    cache: RenewingCache<()>,
    calls: Arc<AtomicUsize>,
}

impl Counted {
    fn new() -> Self {
        Self::on(MockClock::new())
    }

    fn on(clock: MockClock) -> Self {
        Self {
            cache: RenewingCache::new(clock.shared(), 10),
            clock,
            calls: Arc::default(),
        }
    }

    async fn get(&self, answer: Result<(), CredentialsRefused>) -> Result<IssuedCredentials, CredentialsRefused> {
        let (clock, calls) = (self.clock.shared(), self.calls.clone());
        let session = move || async move {
            let number = calls.fetch_add(1, Ordering::SeqCst);
            // Longer than it takes for every caller to arrive.
            for _ in 0..1000 {
                tokio::task::yield_now().await;
            }
            answer.map(|()| AwsSession::ending(&format!("key-{number}"), clock.now() + TimeDelta::hours(1)))
        };
        self.cache.get((), session).await
    }

    /// Gets credentials, and lets a renewal in the background finish.
    async fn text(&self, answer: Result<(), CredentialsRefused>) -> Result<String, CredentialsRefused> {
        let issued = self.get(answer).await.map(|issued| text(&issued.credentials));
        for _ in 0..5000 {
            tokio::task::yield_now().await;
        }
        issued
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

fn text(credentials: &Credentials) -> String {
    String::from_utf8(credentials.body().to_vec()).unwrap()
}

#[tokio::test]
async fn five_hundred_cold_callers_share_one_call() {
    let counted = Counted::new();
    let issued = join_all((0..500).map(|_| counted.get(Ok(())))).await;
    assert!(issued.iter().all(Result::is_ok));
    assert_eq!(counted.calls(), 1);
}

#[tokio::test]
async fn credentials_have_the_format_of_sdks_and_debug_shows_no_secret() {
    let counted = Counted::new();
    let issued = counted.get(Ok(())).await.unwrap();
    assert_eq!(
        text(&issued.credentials),
        r#"{"AccessKeyId":"key-0","SecretAccessKey":"the-secret","Token":"the-token","Expiration":"2024-10-04T01:00:00Z"}"#
    );
    let shown = format!("{issued:?}");
    assert!(!shown.contains("the-secret") && !shown.contains("the-token"), "{shown}");
}

#[tokio::test]
async fn credentials_in_use_are_renewed_in_the_background() {
    let counted = Counted::new();
    let first = counted.text(Ok(())).await.unwrap();
    counted.clock.advance(TimeDelta::minutes(42));
    assert_eq!(counted.text(Ok(())).await.unwrap(), first);
    assert_eq!(counted.calls(), 1, "too early");
    // Renewal begins five minutes before ten minutes remain, and up to two minutes earlier.
    counted.clock.advance(TimeDelta::minutes(3));
    let issued = counted.get(Ok(())).await.unwrap();
    assert!(!issued.waited);
    assert_eq!(text(&issued.credentials), first);
    assert_eq!(counted.text(Ok(())).await.unwrap(), first, "the renewal is still running");
    assert_eq!(counted.calls(), 2);
    assert_ne!(counted.text(Ok(())).await.unwrap(), first);
    assert_eq!(counted.calls(), 2);
}

#[tokio::test]
async fn renewals_of_credentials_made_together_are_spread() {
    let all: Vec<Counted> = (0..24).map(|number| Counted::on(MockClock::with_random(number * 10))).collect();
    let mut renewed = Vec::new();
    for minutes in [0, 42, 1, 1, 1] {
        for counted in &all {
            counted.clock.advance(TimeDelta::minutes(minutes));
            counted.text(Ok(())).await.unwrap();
        }
        renewed.push(all.iter().filter(|counted| counted.calls() == 2).count());
    }
    assert_eq!(renewed[..2], [0, 0], "too early");
    assert!(renewed[2] < renewed[3] && renewed[3] < 24, "{renewed:?}");
    assert_eq!(renewed[4], 24);
}

#[tokio::test]
async fn credentials_that_expire_within_ten_minutes_are_not_handed_out() {
    let counted = Counted::new();
    let first = counted.text(Ok(())).await.unwrap();
    counted.clock.advance(TimeDelta::minutes(51));
    assert_ne!(counted.text(Ok(())).await.unwrap(), first);
}

#[tokio::test]
async fn cached_credentials_are_served_until_expiry_during_an_sts_outage() {
    let counted = Counted::new();
    let first = counted.text(Ok(())).await.unwrap();
    counted.clock.advance(TimeDelta::minutes(55));
    assert_eq!(counted.text(Err(NO_ANSWER)).await.unwrap(), first);
    assert_eq!(counted.calls(), 2);
    assert_eq!(counted.text(Err(NO_ANSWER)).await.unwrap(), first);
    assert_eq!(counted.calls(), 2, "STS is left alone for a while");
    counted.clock.advance(TimeDelta::seconds(6));
    assert_eq!(counted.text(Err(NO_ANSWER)).await.unwrap(), first);
    assert_eq!(counted.calls(), 3);
    counted.clock.advance(TimeDelta::minutes(5));
    assert_eq!(counted.text(Err(NO_ANSWER)).await, Err(NO_ANSWER));
}

#[tokio::test]
async fn a_denial_is_returned_once_the_current_credentials_must_not_be_handed_out() {
    let counted = Counted::new();
    let first = counted.text(Ok(())).await.unwrap();
    counted.clock.advance(TimeDelta::minutes(45));
    assert_eq!(counted.text(Err(refused())).await.unwrap(), first);
    counted.clock.advance(TimeDelta::minutes(6));
    assert_eq!(counted.text(Err(refused())).await, Err(refused()));
    assert_eq!(
        counted.text(Err(refused())).await,
        Err(refused()),
        "a denial is not followed by old credentials"
    );
}

#[tokio::test]
async fn a_panic_counts_as_no_answer() {
    let counted = Counted::new();
    let panicked = counted.cache.get((), || async { panic!("on purpose") }).await;
    assert_eq!(panicked.unwrap_err(), NO_ANSWER);
    assert!(counted.text(Ok(())).await.is_ok());
}

#[tokio::test]
async fn a_renewal_that_panics_is_tried_again() {
    let counted = Counted::new();
    let first = counted.text(Ok(())).await.unwrap();
    counted.clock.advance(TimeDelta::minutes(46));
    let issued = counted.cache.get((), || async { panic!("on purpose") }).await.unwrap();
    assert_eq!(text(&issued.credentials), first);
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(counted.text(Ok(())).await.unwrap(), first, "this call starts the second renewal");
    assert_ne!(counted.text(Ok(())).await.unwrap(), first);
}
