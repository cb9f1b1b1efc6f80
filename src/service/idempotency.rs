//! Idempotency keys: a repeated request does not repeat its change.
//!
//! A request first claims its key. Every change writes an audit entry, which marks the claim as done in the same
//! transaction. The response is stored afterwards. Until then, and if it is lost, a repeated request is rejected and changes
//! nothing.

use super::Context;
use crate::domain::idempotency::{
    IdempotencyClaim, IdempotencyKey, KeptResponse, LIFETIME, LOST_AFTER, RecordedChange, RequestFingerprint,
};
use crate::domain::ids::TenantRef;
use crate::store;
use crate::store::idempotency::{self, EarlierRequest, IdempotentRequest, RequestProgress};
use crate::telemetry::metric;

/// What happens to a request with a key.
#[derive(Debug)]
pub enum IdempotencyTurn {
    /// It is processed, under this claim.
    First(IdempotencyClaim),
    /// The first response is replayed.
    Replay(KeptResponse),
    /// The first request is in progress.
    InProgress,
    /// The key was used for another request.
    KeyReused,
    /// The sender has used too many keys, and can use another one in so many seconds.
    TooManyKeys { seconds: u32 },
    /// It was processed, but its response was not stored.
    NotReplayable {
        request_id: Option<String>,
        change: Option<RecordedChange>,
    },
}

/// A request with a key.
#[derive(Debug, Clone, Copy)]
pub struct KeyedRequest<'a> {
    /// The actor, without a name.
    pub sender: &'a str,
    pub key: &'a IdempotencyKey,
    pub fingerprint: RequestFingerprint,
    /// The tenant in the path.
    pub tenant: Option<&'a TenantRef>,
    pub request_id: Option<&'a str>,
    /// This process, if others can see that it lives.
    pub process: Option<i32>,
}

pub async fn begin(context: &Context, request: &KeyedRequest<'_>) -> store::Result<IdempotencyTurn> {
    let now = context.clock.now();
    let ask = IdempotentRequest {
        claim: IdempotencyClaim {
            key: request.key.of_sender(request.sender),
            id: context.clock.uuid(),
        },
        sender: RequestFingerprint::of(&[request.sender.as_bytes()]),
        request: request.fingerprint,
        tenant: request.tenant,
        request_id: request.request_id,
        now,
        expires_at: now + LIFETIME,
        process: request.process,
        lost: now - LOST_AFTER,
    };
    let mut db = context.pool.acquire().await?;
    loop {
        let turn = if idempotency::claim(&mut db, &ask).await? {
            IdempotencyTurn::First(ask.claim)
        } else if let Some(earlier) = idempotency::find(&mut db, &ask).await? {
            classify(earlier)
        } else if let Some(until) = idempotency::sender_waits_until(&mut db, &ask.sender, now).await? {
            let seconds = u32::try_from((until - now).num_seconds()).unwrap_or_default() + 1;
            IdempotencyTurn::TooManyKeys { seconds }
        } else {
            // The key was released between the two statements. Try to claim it again.
            continue;
        };
        metrics::counter!(metric::IDEMPOTENCY.name, "outcome" => turn.name()).increment(1);
        return Ok(turn);
    }
}

impl IdempotencyTurn {
    fn name(&self) -> &'static str {
        match self {
            Self::First(_) => "first",
            Self::Replay(_) => "again",
            Self::InProgress => "under_way",
            Self::KeyReused => "of_another",
            Self::TooManyKeys { .. } => "too_many",
            Self::NotReplayable { .. } => "not_kept",
        }
    }
}

fn classify(earlier: EarlierRequest) -> IdempotencyTurn {
    match earlier.answer {
        _ if !earlier.is_same => IdempotencyTurn::KeyReused,
        Some(answer) => IdempotencyTurn::Replay(answer),
        None => match earlier.progress {
            RequestProgress::Done if !earlier.is_lost => IdempotencyTurn::InProgress,
            RequestProgress::Claimed => IdempotencyTurn::InProgress,
            RequestProgress::Done | RequestProgress::Answered => IdempotencyTurn::NotReplayable {
                request_id: earlier.request_id,
                change: earlier.change,
            },
        },
    }
}

/// Stores the response of a processed request, or none if it contains a secret.
pub async fn keep(context: &Context, claim: &IdempotencyClaim, answer: Option<&KeptResponse>) -> store::Result<()> {
    let mut db = context.pool.acquire().await?;
    idempotency::answer(&mut db, claim, answer, context.clock.now()).await
}

/// Releases the key of a request that failed, unless its change was committed.
pub async fn release(context: &Context, claim: &IdempotencyClaim) -> store::Result<()> {
    let mut db = context.pool.acquire().await?;
    idempotency::release(&mut db, claim, context.clock.now()).await
}

/// Deletes expired keys in batches, so that no lock is held for long.
pub async fn sweep(context: &Context) -> store::Result<u64> {
    const BATCH: i64 = 1000;
    let mut db = context.pool.acquire().await?;
    let mut swept = 0;
    loop {
        let batch = idempotency::sweep(&mut db, context.clock.now(), BATCH).await?;
        swept += batch;
        if batch < BATCH.unsigned_abs() {
            return Ok(swept);
        }
    }
}
