//! The right to write the probe object, by the database's clock.

use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use tracing::warn;

use crate::service::Context;
use crate::store::lease::Lease;
use crate::store::{self, verifications};
use crate::verifier::PutLease;

/// The part of a lease in which nothing is written any more: for the difference between the clocks of the database and of AWS,
/// and for a put that AWS has begun.
const MARGIN: u32 = 6;

pub(crate) fn margin(lease: Duration) -> TimeDelta {
    TimeDelta::from_std(lease / MARGIN).unwrap_or_default()
}

/// How long a put may still take, by what the database says of the lease.
///
/// # Errors
/// When the database does not say.
pub(crate) async fn remaining(
    context: &Context,
    ask: impl Future<Output = store::Result<Option<Duration>>>,
) -> store::Result<Option<Duration>> {
    let asked_at = context.clock.instant();
    let Some(remaining) = ask.await? else { return Ok(None) };
    // The answer may have arrived late.
    let since = context.clock.instant().saturating_duration_since(asked_at);
    let left = remaining.checked_sub(since + context.lease / MARGIN);
    Ok(left.filter(|left| !left.is_zero()))
}

/// A lease that is kept in the database.
pub(crate) struct DatabaseLease<'a> {
    pub context: &'a Context,
    pub lease: &'a Lease,
}

#[async_trait]
impl PutLease for DatabaseLease<'_> {
    async fn remaining(&self) -> Option<Duration> {
        remaining(self.context, async {
            let mut db = store::begin(&self.context.pool).await?;
            verifications::remaining(&mut db, self.lease).await
        })
        .await
        .unwrap_or_else(|error| {
            warn!(verification = %self.lease.verification, %error, "cannot confirm the lease; the probe object is not written");
            None
        })
    }
}
