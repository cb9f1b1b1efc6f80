//! The record of issued credentials: which caller got them, for which tenant.
//!
//! The database knows of a session before it is handed out for the first time, so that nobody holds credentials which the audit log
//! will not have, and so that suspending a tenant can say until when its sessions last. Further hand-outs of the same session are counted
//! in memory and written every few seconds.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use parking_lot::Mutex;
use serde_json::json;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::credential_cache::Credentials;
use super::{Caller, Context};
use crate::clock::SharedClock;
use crate::domain::audit::{AuditAction, AuditChange};
use crate::domain::grant::GrantKind;
use crate::domain::hand_out::{HandOuts, hour_of};
use crate::domain::identity::{CallerTag, Identity};
use crate::domain::ids::TenantId;
use crate::store::{self, hand_outs};
use crate::telemetry::metric;

/// How often counts are written.
const WRITE_INTERVAL: Duration = Duration::from_secs(10);
/// How long a hand-out waits for the database to record its session.
const RECORD_TIMEOUT: Duration = Duration::from_secs(2);
/// After an hour is over, how long processes have to write its last counts.
const SETTLING: TimeDelta = TimeDelta::minutes(2);
/// How many counts become audit entries in one transaction.
const BATCH: i64 = 500;

/// The process's counts that are not written yet. Clones share them.
#[derive(Debug, Clone)]
pub struct HandOutLog(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: SharedClock,
    pool: PgPool,
    counts: Mutex<HashMap<Key, HandOuts>>,
    /// Held while counts are being written, so that a caller also waits for a write that already took its count.
    writing: tokio::sync::Mutex<()>,
}

type Key = (CallerTag, TenantId, GrantKind, DateTime<Utc>);

/// Credentials that are about to be handed out.
#[derive(Debug, Clone, Copy)]
pub struct HandOut<'a> {
    pub identity: &'a Identity,
    pub tenant: TenantId,
    pub access: GrantKind,
    pub credentials: &'a Credentials,
    /// Whether the caller waited for STS.
    pub waited: bool,
}

impl HandOutLog {
    pub fn new(clock: SharedClock, pool: PgPool) -> Self {
        Self(Arc::new(Inner {
            clock,
            pool,
            counts: Mutex::default(),
            writing: tokio::sync::Mutex::default(),
        }))
    }

    /// Counts a hand-out of a session that the database knows of.
    pub fn count(&self, hand_out: &HandOut<'_>) {
        let source = if hand_out.waited { "waited" } else { "held" };
        metrics::counter!(metric::CREDENTIALS_GIVEN.name, "from" => source).increment(1);
        let now = self.0.clock.now();
        let hour = hour_of(now);
        let key = (hand_out.identity.caller_tag(), hand_out.tenant, hand_out.access, hour);
        let mut counts = self.0.counts.lock();
        match counts.entry(key) {
            Entry::Occupied(mut counted) => {
                let counted = counted.get_mut();
                counted.count += 1;
                counted.last_at = now;
                counted.expires_at = counted.expires_at.max(hand_out.credentials.expires_at());
            }
            Entry::Vacant(vacant) => {
                vacant.insert(HandOuts {
                    tenant: hand_out.tenant,
                    hour,
                    actor: hand_out.identity.actor.clone(),
                    access: hand_out.access,
                    count: 1,
                    first_at: now,
                    last_at: now,
                    expires_at: hand_out.credentials.expires_at(),
                });
            }
        }
    }

    /// Counts a hand-out, and writes it first if the database does not know of the session yet. While the database is unavailable,
    /// the hand-out stays counted in memory.
    pub async fn record(&self, hand_out: &HandOut<'_>, database_is_away: bool) {
        self.count(hand_out);
        if hand_out.credentials.is_recorded() || database_is_away {
            return;
        }
        match tokio::time::timeout(RECORD_TIMEOUT, self.write()).await {
            Ok(Ok(())) => hand_out.credentials.set_recorded(),
            Ok(Err(error)) => warn!(%error, "cannot record that credentials were handed out; will retry"),
            Err(_) => warn!("cannot record in time that credentials were handed out; will retry"),
        }
    }

    /// Writes counts periodically until `stop`, and a last time then.
    pub async fn write_periodically(self, stop: CancellationToken) {
        loop {
            let is_ending = stop.run_until_cancelled(self.0.clock.sleep(WRITE_INTERVAL)).await.is_none();
            if let Err(error) = self.write().await {
                warn!(%error, "cannot record how often credentials were handed out; will retry");
            }
            if is_ending {
                return;
            }
        }
    }

    /// Writes everything counted so far. What cannot be written is kept.
    ///
    /// # Errors
    /// When the database is unavailable.
    pub async fn write(&self) -> store::Result<()> {
        let _writing = self.0.writing.lock().await;
        let mut unwritten = Unwritten {
            log: self,
            counts: std::mem::take(&mut *self.0.counts.lock()),
        };
        if unwritten.counts.is_empty() {
            return Ok(());
        }
        let counts: Vec<HandOuts> = unwritten.counts.values().cloned().collect();
        let mut db = self.0.pool.acquire().await?;
        hand_outs::add(&mut db, &counts).await?;
        unwritten.counts.clear();
        Ok(())
    }
}

/// Counts that are being written. They return to the log if the write fails or is canceled.
struct Unwritten<'a> {
    log: &'a HandOutLog,
    counts: HashMap<Key, HandOuts>,
}

impl Drop for Unwritten<'_> {
    fn drop(&mut self) {
        let mut counts = self.log.0.counts.lock();
        for (key, unwritten) in self.counts.drain() {
            match counts.entry(key) {
                Entry::Occupied(mut counted) => {
                    let counted = counted.get_mut();
                    counted.count += unwritten.count;
                    counted.first_at = counted.first_at.min(unwritten.first_at);
                    counted.expires_at = counted.expires_at.max(unwritten.expires_at);
                }
                Entry::Vacant(vacant) => {
                    vacant.insert(unwritten);
                }
            }
        }
    }
}

/// Writes the hand-outs of past hours to the audit log: one entry per caller, tenant, access and hour, with the count. Counts that arrive
/// later, after the database was unavailable, get an entry of their own.
pub async fn audit_past_hours(context: &Context) -> store::Result<()> {
    let hour = hour_of(context.clock.now() - SETTLING);
    loop {
        let mut db = store::begin(&context.pool).await?;
        let due = hand_outs::take_unaudited(&mut db, hour, BATCH).await?;
        for hand_outs in &due {
            let facts = AuditChange::none().with(json!({
                "access": hand_outs.access.to_string(),
                "count": hand_outs.count,
                "hour": hand_outs.hour,
                "first_at": hand_outs.first_at,
                "last_at": hand_outs.last_at,
                "expires_at": hand_outs.expires_at,
            }));
            let caller = Caller::new(hand_outs.actor.clone());
            let action = AuditAction::CredentialsIssued;
            context.audit(&mut db, &caller, action, Some(hand_outs.tenant), facts).await?;
        }
        store::commit(db).await?;
        if due.is_empty() {
            break;
        }
    }
    let mut db = context.pool.acquire().await?;
    hand_outs::delete_expired(&mut db, context.clock.now()).await
}
