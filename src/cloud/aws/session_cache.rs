//! The vendor's own sessions, which all verifications share. Each role's session is created once, and again shortly before
//! it expires. Failures are not cached.

use chrono::TimeDelta;

use crate::clock::SharedClock;
use crate::cloud::AwsSession;
use crate::domain::api_result::{ApiCall, ApiResult, Outcome};
use crate::domain::arn::RoleArn;
use crate::single_flight::SingleFlight;

/// Longer than one attempt of a verification, so that no session expires in the middle of it.
const MIN_VALIDITY: TimeDelta = TimeDelta::minutes(5);
/// The vendor has two roles.
const CAPACITY: u64 = 100;
const LIFETIME: std::time::Duration = std::time::Duration::from_hours(1);

#[derive(Clone)]
pub(super) struct SessionCache {
    clock: SharedClock,
    sessions: SingleFlight<RoleArn, ApiResult<AwsSession>>,
}

impl SessionCache {
    pub(crate) fn new(clock: SharedClock) -> Self {
        Self {
            clock,
            sessions: SingleFlight::new(CAPACITY, LIFETIME),
        }
    }

    /// The session of this role: the cached one, or the one that `make` returns.
    pub(crate) async fn get(
        &self,
        role: &RoleArn,
        make: impl Future<Output = ApiResult<AwsSession>> + Send + 'static,
    ) -> ApiResult<AwsSession> {
        let clock = self.clock.clone();
        let is_stale = move |answer: &ApiResult<AwsSession>| {
            let expires_at = answer.granted().and_then(AwsSession::expires_at);
            expires_at.is_none_or(|at| at - clock.now() < MIN_VALIDITY)
        };
        let session = self.sessions.get(role.clone(), make, is_stale).await;
        // A panic is like no answer: the next caller tries again.
        session.unwrap_or_else(|_| ApiResult {
            outcome: Outcome::Unanswered,
            exchange: ApiCall {
                operation: "sts:AssumeRole".into(),
                ..ApiCall::default()
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use aws_credential_types::Credentials;
    use futures::future::join_all;

    use super::*;
    use crate::clock::MockClock;

    fn role(name: &str) -> RoleArn {
        RoleArn::parse(&format!("arn:aws:iam::123456789012:role/{name}")).unwrap()
    }

    /// A cache, and an STS that counts its calls.
    struct Counted {
        clock: MockClock,
        cache: SessionCache,
        calls: Arc<AtomicUsize>,
    }

    impl Counted {
        fn new() -> Self {
            let clock = MockClock::new();
            Self {
                cache: SessionCache::new(clock.shared()),
                clock,
                calls: Arc::default(),
            }
        }

        /// A session of one hour.
        fn session(&self) -> Outcome<AwsSession> {
            let expires_at = self.clock.shared().now() + TimeDelta::hours(1);
            Outcome::Granted(AwsSession(Credentials::new("id", "secret", None, Some(expires_at.into()), "test")))
        }

        async fn get(&self, name: &str, outcome: Outcome<AwsSession>) -> ApiResult<AwsSession> {
            let calls = self.calls.clone();
            let make = async move {
                calls.fetch_add(1, Ordering::SeqCst);
                // Longer than it takes for every caller to arrive.
                for _ in 0..100 {
                    tokio::task::yield_now().await;
                }
                ApiResult {
                    outcome,
                    exchange: ApiCall::default(),
                }
            };
            self.cache.get(&role(name), make).await
        }

        fn calls(&self) -> usize {
            self.calls.load(Ordering::SeqCst)
        }
    }

    #[tokio::test]
    async fn concurrent_callers_share_one_call() {
        let counted = Counted::new();
        let answers = join_all((0..20).map(|_| counted.get("storage", counted.session()))).await;
        assert!(answers.iter().all(|answer| answer.granted().is_some()));
        assert_eq!(counted.calls(), 1);
    }

    #[tokio::test]
    async fn each_role_has_its_own_session() {
        let counted = Counted::new();
        for name in ["storage", "direct", "storage"] {
            counted.get(name, counted.session()).await;
        }
        assert_eq!(counted.calls(), 2);
    }

    #[tokio::test]
    async fn a_session_is_renewed_when_less_than_five_minutes_remain() {
        let counted = Counted::new();
        for (minutes, calls) in [(0, 1), (54, 1), (1, 1), (1, 2), (0, 2)] {
            counted.clock.advance(TimeDelta::minutes(minutes));
            counted.get("storage", counted.session()).await;
            assert_eq!(counted.calls(), calls);
        }
    }

    #[tokio::test]
    async fn concurrent_callers_share_a_failure_and_the_next_one_tries_again() {
        let counted = Counted::new();
        join_all((0..5).map(|_| counted.get("storage", Outcome::Unanswered))).await;
        assert_eq!(counted.calls(), 1);
        let answer = counted.get("storage", counted.session()).await;
        assert!(answer.granted().is_some());
        assert_eq!(counted.calls(), 2);
    }

    #[tokio::test]
    async fn a_panic_counts_as_no_answer() {
        let counted = Counted::new();
        let answer = counted.cache.get(&role("storage"), async { panic!("on purpose") }).await;
        assert!(answer.is_unanswered());
        assert!(counted.get("storage", counted.session()).await.granted().is_some());
    }
}
