//! Credentials of one kind: held, renewed by one for all, and renewed ahead while they are in use.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use serde::Serialize;

use super::IssuedCredentials;
use super::chain::CredentialsRefused;
use crate::clock::SharedClock;
use crate::cloud::AwsSession;
use crate::domain::grant::Grant;

/// SDKs renew at the latest ten minutes before expiry: what they are given has to last longer.
const LAST: TimeDelta = TimeDelta::minutes(10);
/// So that those that were made together are not renewed together.
const JITTER_SECONDS: i64 = 120;
/// Whoever asks in this time before the end of holding makes a renewal begin, and does not wait for it.
const AHEAD: TimeDelta = TimeDelta::minutes(5);
/// What is held past its time because AWS does not answer has to be good for a call still.
const GOOD: TimeDelta = TimeDelta::seconds(60);
/// Before AWS is asked again after it did not answer.
const PAUSE: TimeDelta = TimeDelta::seconds(5);

/// Temporary credentials, written down as SDKs ask for them. Its `Debug` shows none of them.
pub struct Credentials {
    body: Bytes,
    expires_at: DateTime<Utc>,
    held_until: DateTime<Utc>,
}

/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html>
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Body<'a> {
    access_key_id: &'a str,
    secret_access_key: &'a str,
    token: &'a str,
    expiration: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials")
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

impl Credentials {
    /// None of a session whose end is not known: it would be held for ever.
    fn of(session: &AwsSession, clock: &SharedClock) -> Option<Self> {
        let expires_at = session.expires_at()?;
        let keys = session.hand_over();
        let body = Body {
            access_key_id: keys.id,
            secret_access_key: keys.secret,
            token: keys.token,
            expiration: expires_at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
        };
        let random = i64::from(u32::from_be_bytes(clock.random())) % JITTER_SECONDS;
        Some(Self {
            body: serde_json::to_vec(&body).ok()?.into_boxed_slice().into(),
            expires_at,
            held_until: expires_at - LAST - TimeDelta::seconds(random),
        })
    }

    pub fn body(&self) -> Bytes {
        self.body.clone()
    }

    pub fn expires_at(&self) -> DateTime<Utc> {
        self.expires_at
    }
}

type Making = Shared<BoxFuture<'static, Result<Arc<Credentials>, CredentialsRefused>>>;

pub struct Slot {
    grant: Grant,
    held: RwLock<Option<Arc<Credentials>>>,
    making: Mutex<State>,
}

#[derive(Default)]
struct State {
    making: Option<Making>,
    /// AWS did not answer a moment ago.
    paused_until: Option<DateTime<Utc>>,
}

impl Slot {
    pub fn new(grant: Grant) -> Self {
        Self {
            grant,
            held: RwLock::default(),
            making: Mutex::default(),
        }
    }

    pub fn grant(&self) -> &Grant {
        &self.grant
    }

    /// What is held, unless it is time to renew it.
    pub fn at_hand(&self, now: DateTime<Utc>) -> Option<Arc<Credentials>> {
        self.held().filter(|held| now < held.held_until - AHEAD)
    }

    /// What is held, or what is made now: by one call for all who wait.
    pub async fn get<F>(self: &Arc<Self>, clock: &SharedClock, session: impl FnOnce() -> F) -> Result<IssuedCredentials, CredentialsRefused>
    where
        F: Future<Output = Result<AwsSession, CredentialsRefused>> + Send + 'static,
    {
        let now = clock.now();
        let held = self.held();
        let given = |credentials, waited| Ok(IssuedCredentials { credentials, waited });
        let making = {
            let mut state = self.state();
            match (&state.making, &held) {
                // It came while the lock was waited for.
                (None, Some(held)) if now < held.held_until - AHEAD => return given(held.clone(), false),
                (None, Some(held)) if now < held.expires_at - GOOD && state.paused_until.is_some_and(|until| now < until) => {
                    return given(held.clone(), false);
                }
                (Some(making), _) => making.clone(),
                (None, _) => {
                    let making = self.clone().make(clock.clone(), session()).boxed().shared();
                    state.making = Some(making.clone());
                    // Whoever gives up waiting takes nobody along.
                    tokio::spawn(making.clone());
                    making
                }
            }
        };
        if let Some(held) = held.as_ref().filter(|held| now < held.held_until) {
            return given(held.clone(), false);
        }
        match (making.await, held) {
            (Ok(credentials), _) => given(credentials, true),
            (Err(refused), Some(held)) if refused.may_pass() && clock.now() < held.expires_at - GOOD => given(held, true),
            (Err(refused), _) => Err(refused),
        }
    }

    async fn make(
        self: Arc<Self>,
        clock: SharedClock,
        session: impl Future<Output = Result<AwsSession, CredentialsRefused>> + Send,
    ) -> Result<Arc<Credentials>, CredentialsRefused> {
        // A panic would keep everybody else waiting.
        let made = std::panic::AssertUnwindSafe(session).catch_unwind().await;
        let made = made.unwrap_or(Err(CredentialsRefused::Unanswered {
            operation: "sts:AssumeRole",
        }));
        let made = made.and_then(|session| {
            let credentials = Credentials::of(&session, &clock).map(Arc::new);
            credentials.ok_or(CredentialsRefused::Unanswered {
                operation: "sts:AssumeRole",
            })
        });
        if let Ok(credentials) = &made {
            *self.held.write().unwrap_or_else(PoisonError::into_inner) = Some(credentials.clone());
        }
        let mut state = self.state();
        state.making = None;
        state.paused_until = made.as_ref().err().map(|_| clock.now() + PAUSE);
        made
    }

    fn held(&self) -> Option<Arc<Credentials>> {
        self.held.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.making.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
