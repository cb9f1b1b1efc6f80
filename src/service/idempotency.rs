//! What is sent twice is done once.
//!
//! A request with an idempotency key claims the key first. The entry of the audit log that every change writes in its own
//! transaction marks the claim as done there, so that change and mark are there together or not at all. Its answer is kept
//! after that; until then, and if it is lost, a repeat is refused and changes nothing.

use super::Context;
use crate::domain::idempotency::{IdempotencyClaim, IdempotencyKey, LIFETIME, LOST_AFTER, RequestFingerprint};
use crate::store;
use crate::store::idempotency::{self, EarlierRequest, IdempotentRequest, KeptResponse, Made};
use crate::telemetry::metric;

/// What becomes of a request that carries a key.
#[derive(Debug)]
pub enum IdempotencyTurn {
    /// It is carried out, under this claim.
    First(IdempotencyClaim),
    /// The first one's answer is given again.
    Again(KeptResponse),
    /// The first one is in progress.
    UnderWay,
    /// The key was used for something else.
    OfAnother,
    /// It was carried out, and its answer is not there.
    NotKept { request_id: Option<String>, made: Option<Made> },
}

pub async fn begin(
    context: &Context,
    sender: &str,
    key: &IdempotencyKey,
    request: RequestFingerprint,
    request_id: Option<&str>,
) -> store::Result<IdempotencyTurn> {
    let now = context.clock.now();
    let ask = IdempotentRequest {
        claim: IdempotencyClaim {
            key: key.of_sender(sender),
            id: context.clock.uuid(),
        },
        request,
        request_id,
        now,
        expires_at: now + LIFETIME,
        lost: now - LOST_AFTER,
    };
    let mut db = context.pool.acquire().await?;
    loop {
        let turn = if idempotency::claim(&mut db, &ask).await? {
            IdempotencyTurn::First(ask.claim)
        } else if let Some(earlier) = idempotency::find(&mut db, &ask.claim.key, &request).await? {
            judge(earlier, &ask)
        } else {
            // It was freed between the two statements: then it can be claimed.
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
            Self::Again(_) => "again",
            Self::UnderWay => "under_way",
            Self::OfAnother => "of_another",
            Self::NotKept { .. } => "not_kept",
        }
    }
}

fn judge(earlier: EarlierRequest, ask: &IdempotentRequest) -> IdempotencyTurn {
    let at_work = earlier.claimed_at > ask.lost;
    match earlier.answer {
        _ if !earlier.is_same => IdempotencyTurn::OfAnother,
        Some(answer) => IdempotencyTurn::Again(answer),
        None if earlier.is_answered || (earlier.is_done && !at_work) => IdempotencyTurn::NotKept {
            request_id: earlier.request_id,
            made: earlier.made,
        },
        None => IdempotencyTurn::UnderWay,
    }
}

/// Keeps the answer of a request that was carried out; none of one that holds what is shown once.
pub async fn keep(context: &Context, claim: &IdempotencyClaim, answer: Option<&KeptResponse>) -> store::Result<()> {
    let mut db = context.pool.acquire().await?;
    idempotency::answer(&mut db, claim, answer, context.clock.now()).await
}

/// Frees the key of a request that was refused or failed, unless its change was made.
pub async fn release(context: &Context, claim: &IdempotencyClaim) -> store::Result<()> {
    let mut db = context.pool.acquire().await?;
    idempotency::release(&mut db, claim, context.clock.now()).await
}

/// Forgets the keys that have expired, a batch at a time, so that no lock is held for long.
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
