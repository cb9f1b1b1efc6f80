//! The record of issued credentials: which caller got them, for which tenant.
//!
//! The database knows of a session before it is handed out for the first time, so that nobody holds credentials which the audit log
//! will not have, and so that suspending a tenant can say until when its sessions last. Further issuances of the same session are counted
//! in memory and written every few seconds. The first one of an hour is in the audit log at once.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use parking_lot::Mutex;
use serde_json::json;
use sqlx::PgConnection;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::credential_cache::Credentials;
use super::{Caller, Context};
use crate::domain::access_level::AccessLevel;
use crate::domain::audit::{AuditAction, AuditChange};
use crate::domain::identity::{CallerTag, Identity};
use crate::domain::ids::TenantId;
use crate::domain::issuance::{IssuanceCount, hour_of};
use crate::store::{self, issuances};
use crate::telemetry::metric;

/// How often counts are written.
const WRITE_INTERVAL: Duration = Duration::from_secs(10);
/// How long an issuance waits for the database to record its session.
const RECORD_TIMEOUT: Duration = Duration::from_secs(2);
/// After an hour is over, how long processes have to write its last counts.
const SETTLING: TimeDelta = TimeDelta::minutes(2);
/// How many counts become audit entries in one transaction.
const BATCH: i64 = 500;
/// How many counts are written in one transaction.
const WRITE_BATCH: usize = 200;

/// The process's counts that are not written yet. Clones share them.
#[derive(Debug, Clone)]
pub struct IssuanceLog(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    context: Context,
    counts: Mutex<HashMap<Key, IssuanceCount>>,
    /// Held while counts are being written, so that a caller also waits for a write that already took its count.
    writing: tokio::sync::Mutex<()>,
    /// When the first write failed since the last one that succeeded.
    failing_since: Mutex<Option<Instant>>,
}

type Key = (CallerTag, TenantId, AccessLevel, DateTime<Utc>);

/// Credentials that are about to be handed out.
#[derive(Debug, Clone, Copy)]
pub struct Issuance<'a> {
    pub identity: &'a Identity,
    pub tenant: TenantId,
    pub access: AccessLevel,
    pub credentials: &'a Credentials,
    /// Whether the caller waited for STS.
    pub waited: bool,
}

impl IssuanceLog {
    pub fn new(context: Context) -> Self {
        Self(Arc::new(Inner {
            context,
            counts: Mutex::default(),
            writing: tokio::sync::Mutex::default(),
            failing_since: Mutex::default(),
        }))
    }

    /// Counts an issuance of a session that the database knows of.
    pub fn count(&self, issuance: &Issuance<'_>) {
        self.add(issuance);
    }

    fn add(&self, issuance: &Issuance<'_>) -> Key {
        let source = if issuance.waited { "waited" } else { "held" };
        metrics::counter!(metric::CREDENTIALS_GIVEN.name, "from" => source).increment(1);
        let now = self.0.context.clock.now();
        let hour = hour_of(now);
        let key = (issuance.identity.caller_tag(), issuance.tenant, issuance.access, hour);
        let mut counts = self.0.counts.lock();
        match counts.entry(key) {
            Entry::Occupied(mut counted) => {
                let counted = counted.get_mut();
                counted.count += 1;
                counted.last_at = now;
                counted.expires_at = counted.expires_at.max(issuance.credentials.expires_at());
            }
            Entry::Vacant(vacant) => {
                vacant.insert(IssuanceCount {
                    tenant: issuance.tenant,
                    hour,
                    actor: issuance.identity.actor.clone(),
                    access: issuance.access,
                    count: 1,
                    first_at: now,
                    last_at: now,
                    expires_at: issuance.credentials.expires_at(),
                });
            }
        }
        key
    }

    /// Counts an issuance, and writes it first if the database does not know of the session yet. While the database is unavailable,
    /// the issuance stays counted in memory.
    pub async fn record(&self, issuance: &Issuance<'_>, database_is_away: bool) {
        let key = self.add(issuance);
        if issuance.credentials.is_recorded() || database_is_away {
            return;
        }
        match tokio::time::timeout(RECORD_TIMEOUT, self.write_with(key)).await {
            Ok(Ok(())) => issuance.credentials.set_recorded(),
            Ok(Err(error)) => warn!(%error, "cannot record that credentials were handed out; will retry"),
            Err(_) => {
                self.set_failing(true);
                warn!("cannot record in time that credentials were handed out; will retry");
            }
        }
    }

    /// How long the database has refused or not confirmed what is written. New sessions are limited by it, as by the time without a
    /// response: they could not be recorded.
    pub fn failing_for(&self) -> Duration {
        let since = *self.0.failing_since.lock();
        since.map_or(Duration::ZERO, |since| {
            self.0.context.clock.instant().saturating_duration_since(since)
        })
    }

    fn set_failing(&self, is_failing: bool) {
        let mut since = self.0.failing_since.lock();
        *since = is_failing.then(|| since.unwrap_or_else(|| self.0.context.clock.instant()));
    }

    /// Writes counts periodically until `stop`, and a last time then.
    pub async fn write_periodically(self, stop: CancellationToken) {
        loop {
            let waited = stop.run_until_cancelled(self.0.context.clock.sleep(WRITE_INTERVAL)).await;
            if let Err(error) = self.write().await {
                warn!(%error, "cannot record how often credentials were handed out; will retry");
            }
            if waited.is_none() {
                return;
            }
        }
    }

    /// Writes everything counted so far. What cannot be written is kept.
    ///
    /// # Errors
    /// When the database is unavailable.
    pub async fn write(&self) -> store::Result<()> {
        // At the beginning of an hour, every count needs an entry in the audit log. Batches keep its lock short, and let new sessions in
        // between.
        let batches = self.0.counts.lock().len().div_ceil(WRITE_BATCH);
        for _ in 0..batches {
            let _writing = self.0.writing.lock().await;
            let batch = self.0.counts.lock().extract_if(|_, _| true).take(WRITE_BATCH).collect();
            self.write_batch(batch).await?;
        }
        Ok(())
    }

    /// Writes this count, and others with it.
    async fn write_with(&self, key: Key) -> store::Result<()> {
        let _writing = self.0.writing.lock().await;
        let batch = {
            let mut counts = self.0.counts.lock();
            // Another caller has written it meanwhile.
            let Some(count) = counts.remove(&key) else { return Ok(()) };
            let others = counts.extract_if(|_, _| true).take(WRITE_BATCH - 1);
            others.chain([(key, count)]).collect()
        };
        self.write_batch(batch).await
    }

    async fn write_batch(&self, counts: HashMap<Key, IssuanceCount>) -> store::Result<()> {
        let mut unwritten = Unwritten { log: self, counts };
        let counts: Vec<IssuanceCount> = unwritten.counts.values().cloned().collect();
        let written = write(&self.0.context, &counts).await;
        self.set_failing(written.is_err());
        written?;
        unwritten.counts.clear();
        Ok(())
    }
}

/// Adds counts, and writes the first ones of their hour to the audit log.
async fn write(context: &Context, counts: &[IssuanceCount]) -> store::Result<()> {
    if counts.is_empty() {
        return Ok(());
    }
    let mut db = store::begin(&context.pool).await?;
    for first in issuances::add(&mut db, counts).await? {
        audit(context, &mut db, &first).await?;
    }
    store::commit(db).await
}

async fn audit(context: &Context, db: &mut PgConnection, issued: &IssuanceCount) -> store::Result<()> {
    let facts = AuditChange::none().with(json!({
        "access": issued.access.to_string(),
        "count": issued.count,
        "hour": issued.hour,
        "first_at": issued.first_at,
        "last_at": issued.last_at,
        "expires_at": issued.expires_at,
    }));
    let caller = Caller::new(issued.actor.clone());
    let action = AuditAction::CredentialsIssued;
    context.audit(db, &caller, action, Some(issued.tenant), facts).await
}

/// Counts that are being written. They return to the log if the write fails or is canceled.
struct Unwritten<'a> {
    log: &'a IssuanceLog,
    counts: HashMap<Key, IssuanceCount>,
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

/// Writes the further issuances of past hours to the audit log: one entry per caller, tenant, access and hour, with their number. Counts that
/// arrive later, after the database was unavailable, get an entry of their own.
pub async fn audit_past_hours(context: &Context) -> store::Result<()> {
    let hour = hour_of(context.clock.now() - SETTLING);
    loop {
        let mut db = store::begin(&context.pool).await?;
        let due = issuances::take_unaudited(&mut db, hour, BATCH).await?;
        for issued in &due {
            audit(context, &mut db, issued).await?;
        }
        store::commit(db).await?;
        if due.is_empty() {
            break;
        }
    }
    let mut db = context.pool.acquire().await?;
    issuances::delete_expired(&mut db, context.clock.now()).await
}
