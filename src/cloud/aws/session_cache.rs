//! The vendor's own sessions, which all verifications share: made once, by whoever comes first, and again shortly
//! before they expire. A failure is not kept.

use std::collections::HashMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::TimeDelta;
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};

use crate::clock::SharedClock;
use crate::cloud::AwsSession;
use crate::domain::api_result::{ApiCall, ApiResult, Outcome};
use crate::domain::arn::RoleArn;

/// More than a verification's attempt takes, so that no session ends in the middle of one.
const LEFT_AT_LEAST: TimeDelta = TimeDelta::minutes(5);

/// Under way, or done: everybody who waits for it is given the same answer.
type Making = Shared<BoxFuture<'static, ApiResult<AwsSession>>>;

#[derive(Debug, Clone)]
pub struct SessionCache {
    clock: SharedClock,
    by_role: Arc<Mutex<HashMap<RoleArn, Making>>>,
}

impl SessionCache {
    pub fn new(clock: SharedClock) -> Self {
        Self {
            clock,
            by_role: Arc::default(),
        }
    }

    /// The session of this role: the one at hand, or what `make` gives.
    pub async fn get<F>(&self, role: &RoleArn, make: impl FnOnce() -> F) -> ApiResult<AwsSession>
    where
        F: Future<Output = ApiResult<AwsSession>> + Send + 'static,
    {
        let making = {
            let mut by_role = self.by_role.lock().unwrap_or_else(PoisonError::into_inner);
            match by_role.get(role) {
                Some(making) if self.is_of_use(making) => making.clone(),
                _ => {
                    let making = unless_it_panics(make()).boxed().shared();
                    by_role.insert(role.clone(), making.clone());
                    making
                }
            }
        };
        making.await
    }

    fn is_of_use(&self, making: &Making) -> bool {
        let Some(answer) = making.peek() else {
            return true;
        };
        let expires_at = answer.granted().and_then(AwsSession::expires_at);
        expires_at.is_some_and(|at| at - self.clock.now() >= LEFT_AT_LEAST)
    }
}

/// A panic would stay with the role for as long as the process runs: it is an answer that did not come.
async fn unless_it_panics(making: impl Future<Output = ApiResult<AwsSession>>) -> ApiResult<AwsSession> {
    AssertUnwindSafe(making).catch_unwind().await.unwrap_or_else(|_| ApiResult {
        outcome: Outcome::Unanswered,
        exchange: ApiCall {
            operation: "sts:AssumeRole".into(),
            ..ApiCall::default()
        },
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use aws_credential_types::Credentials;
    use chrono::{DateTime, Utc};
    use futures::future::join_all;

    use super::*;
    use crate::cloud::aws::tests::Hand;

    fn role(name: &str) -> RoleArn {
        RoleArn::parse(&format!("arn:aws:iam::123456789012:role/{name}")).unwrap()
    }

    fn session(expires_at: DateTime<Utc>) -> Outcome<AwsSession> {
        Outcome::Granted(AwsSession(Credentials::new("id", "secret", None, Some(expires_at.into()), "test")))
    }

    /// Counts how often it is asked to make a session.
    #[derive(Default)]
    struct Maker(Arc<AtomicUsize>);

    impl Maker {
        fn make(&self, outcome: Outcome<AwsSession>) -> impl FnOnce() -> BoxFuture<'static, ApiResult<AwsSession>> {
            let made = self.0.clone();
            move || {
                async move {
                    made.fetch_add(1, Ordering::SeqCst);
                    // Whoever polls takes it a step further: more steps than there are callers.
                    for _ in 0..100 {
                        tokio::task::yield_now().await;
                    }
                    ApiResult {
                        outcome,
                        exchange: ApiCall::default(),
                    }
                }
                .boxed()
            }
        }

        fn made(&self) -> usize {
            self.0.load(Ordering::SeqCst)
        }
    }

    #[tokio::test]
    async fn many_who_come_at_once_wait_for_one() {
        let hand = Hand::new();
        let (sessions, maker) = (SessionCache::new(hand.clock()), Maker::default());
        let expires_at = hand.clock().now() + TimeDelta::hours(1);
        let role = role("storage");
        let answers = join_all((0..20).map(|_| sessions.get(&role, maker.make(session(expires_at))))).await;
        assert!(answers.iter().all(|answer| answer.granted().is_some()));
        assert_eq!(maker.made(), 1);
    }

    #[tokio::test]
    async fn each_role_has_its_own() {
        let hand = Hand::new();
        let (sessions, maker) = (SessionCache::new(hand.clock()), Maker::default());
        let expires_at = hand.clock().now() + TimeDelta::hours(1);
        for name in ["storage", "direct", "storage"] {
            sessions.get(&role(name), maker.make(session(expires_at))).await;
        }
        assert_eq!(maker.made(), 2);
    }

    #[tokio::test]
    async fn it_is_renewed_when_less_than_five_minutes_remain() {
        let hand = Hand::new();
        let (sessions, maker) = (SessionCache::new(hand.clock()), Maker::default());
        let role = role("storage");
        for (minutes, made) in [(0, 1), (54, 1), (1, 1), (1, 2), (0, 2)] {
            hand.turn(TimeDelta::minutes(minutes));
            let expires_at = hand.clock().now() + TimeDelta::hours(1);
            sessions.get(&role, maker.make(session(expires_at))).await;
            assert_eq!(maker.made(), made);
        }
    }

    #[tokio::test]
    async fn a_failure_is_shared_by_those_who_waited_and_not_kept() {
        let hand = Hand::new();
        let (sessions, maker) = (SessionCache::new(hand.clock()), Maker::default());
        let role = role("storage");
        join_all((0..5).map(|_| sessions.get(&role, maker.make(Outcome::Unanswered)))).await;
        assert_eq!(maker.made(), 1);
        let answer = sessions
            .get(&role, maker.make(session(hand.clock().now() + TimeDelta::hours(1))))
            .await;
        assert!(answer.granted().is_some());
        assert_eq!(maker.made(), 2);
    }

    #[tokio::test]
    async fn a_panic_is_not_kept_either() {
        let hand = Hand::new();
        let (sessions, maker) = (SessionCache::new(hand.clock()), Maker::default());
        let role = role("storage");
        let broken = sessions.get(&role, || async { panic!("on purpose") }).await;
        assert!(broken.is_unanswered());
        let expires_at = hand.clock().now() + TimeDelta::hours(1);
        let next = sessions.get(&role, maker.make(session(expires_at))).await;
        assert!(next.granted().is_some());
    }

    #[tokio::test]
    async fn who_gives_up_waiting_takes_nobody_along() {
        let hand = Hand::new();
        let (sessions, maker) = (SessionCache::new(hand.clock()), Maker::default());
        let role = role("storage");
        let expires_at = hand.clock().now() + TimeDelta::hours(1);
        let first = sessions.get(&role, maker.make(session(expires_at)));
        assert!(first.now_or_never().is_none());
        let second = sessions.get(&role, maker.make(session(expires_at))).await;
        assert!(second.granted().is_some());
        assert_eq!(maker.made(), 1);
    }
}
