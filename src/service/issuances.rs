//! The record of issued credentials: which caller got them, for which tenant.
//!
//! The database knows of a session before it is handed out for the first time, so that nobody holds credentials which the audit log
//! will not have, and so that suspending a tenant can say until when its sessions last. Further issuances of the same session are counted
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

/// The process's counts that are not written yet. Clones share them.
#[derive(Debug, Clone)]
pub struct IssuanceLog(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: SharedClock,
    pool: PgPool,
    counts: Mutex<HashMap<Key, IssuanceCount>>,
    /// Held while counts are being written, so that a caller also waits for a write that already took its count.
    writing: tokio::sync::Mutex<()>,
}

type Key = (CallerTag, TenantId, GrantKind, DateTime<Utc>);

/// Credentials that are about to be handed out.
#[derive(Debug, Clone, Copy)]
pub struct Issuance<'a> {
    pub identity: &'a Identity,
    pub tenant: TenantId,
    pub access: GrantKind,
    pub credentials: &'a Credentials,
    /// Whether the caller waited for STS.
    pub waited: bool,
}

impl IssuanceLog {
    pub fn new(clock: SharedClock, pool: PgPool) -> Self {
        Self(Arc::new(Inner {
            clock,
            pool,
            counts: Mutex::default(),
            writing: tokio::sync::Mutex::default(),
        }))
    }

    /// Counts an issuance of a session that the database knows of.
    pub fn count(&self, issuance: &Issuance<'_>) {
        let source = if issuance.waited { "waited" } else { "held" };
        metrics::counter!(metric::CREDENTIALS_GIVEN.name, "from" => source).increment(1);
        let now = self.0.clock.now();
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
    }

    /// Counts an issuance, and writes it first if the database does not know of the session yet. While the database is unavailable,
    /// the issuance stays counted in memory.
    pub async fn record(&self, issuance: &Issuance<'_>, database_is_away: bool) {
        self.count(issuance);
        if issuance.credentials.is_recorded() || database_is_away {
            return;
        }
        match tokio::time::timeout(RECORD_TIMEOUT, self.write()).await {
            Ok(Ok(())) => issuance.credentials.set_recorded(),
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
        let counts: Vec<IssuanceCount> = unwritten.counts.values().cloned().collect();
        let mut db = self.0.pool.acquire().await?;
        issuances::add(&mut db, &counts).await?;
        unwritten.counts.clear();
        Ok(())
    }
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

/// Writes the issuances of past hours to the audit log: one entry per caller, tenant, access and hour, with the count. Counts that arrive
/// later, after the database was unavailable, get an entry of their own.
pub async fn audit_past_hours(context: &Context) -> store::Result<()> {
    let hour = hour_of(context.clock.now() - SETTLING);
    loop {
        let mut db = store::begin(&context.pool).await?;
        let due = issuances::take_unaudited(&mut db, hour, BATCH).await?;
        for issuances in &due {
            let facts = AuditChange::none().with(json!({
                "access": issuances.access.to_string(),
                "count": issuances.count,
                "hour": issuances.hour,
                "first_at": issuances.first_at,
                "last_at": issuances.last_at,
                "expires_at": issuances.expires_at,
            }));
            let caller = Caller::new(issuances.actor.clone());
            let action = AuditAction::CredentialsIssued;
            context.audit(&mut db, &caller, action, Some(issuances.tenant), facts).await?;
        }
        store::commit(db).await?;
        if due.is_empty() {
            break;
        }
    }
    let mut db = context.pool.acquire().await?;
    issuances::delete_expired(&mut db, context.clock.now()).await
}
