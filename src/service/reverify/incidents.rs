//! Notices waves of re-verifications that fail together, and when they are over.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::domain::ids::IncidentId;
use crate::domain::reverification::incident::Tally;
use crate::service::Context;
use crate::store::{self, incidents};
use crate::telemetry::metric;

/// How often processes tell each other what they counted.
const INTERVAL: Duration = Duration::from_secs(1);

/// What this process has counted, and whether an incident is open. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct IncidentWatch(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    tally: Mutex<Tally>,
    is_open: AtomicBool,
}

impl IncidentWatch {
    pub(crate) fn count(&self, is_good: bool) {
        self.0.tally.lock().count(is_good);
    }

    pub(crate) fn is_open(&self) -> bool {
        self.0.is_open.load(Ordering::Relaxed)
    }

    /// Keeps comparing with other processes until `stop`.
    pub(crate) async fn follow(self, context: Context, stop: CancellationToken) {
        let following = async {
            loop {
                if let Err(error) = self.look(&context).await {
                    warn!(%error, "cannot compare how re-verifications went");
                }
                context.clock.sleep(INTERVAL).await;
            }
        };
        stop.run_until_cancelled(following).await;
    }

    /// Adds what was counted, and opens or ends an incident.
    pub(crate) async fn look(&self, context: &Context) -> store::Result<()> {
        let tally = std::mem::take(&mut *self.0.tally.lock());
        let looked = self.exchange(context, tally).await;
        if looked.is_err() {
            let mut kept = self.0.tally.lock();
            kept.unchanged = kept.unchanged.saturating_add(tally.unchanged);
            kept.other = kept.other.saturating_add(tally.other);
        }
        looked
    }

    async fn exchange(&self, context: &Context, tally: Tally) -> store::Result<()> {
        let now = context.clock.now();
        let mut db = store::begin(&context.pool).await?;
        let is_open = if let Some(incident) = incidents::open_locked(&mut db).await? {
            let incident = incident.after(tally, now);
            if !tally.is_empty() {
                incidents::update(&mut db, &incident).await?;
            }
            if let Some(ended_at) = incident.ended_at {
                incidents::clear(&mut db).await?;
                let lasted = (ended_at - incident.started_at).num_seconds();
                info!(
                    affected = incident.affected,
                    lasted, "re-verifications succeed again; the schedule goes on"
                );
            }
            incident.ended_at.is_none()
        } else {
            let recent = incidents::add(&mut db, tally, now).await?;
            let id: IncidentId = context.clock.uuid().into();
            let is_wave = recent.is_wave() && incidents::start(&mut db, id, recent.other, now).await?;
            if is_wave {
                error!(
                    affected = recent.other,
                    unchanged = recent.unchanged,
                    "many re-verifications fail together, so the cause is one: the vendor's role, an organization, a region of AWS. No tenant is \
                     rejected and the schedule pauses until they succeed again; run `latchkey check-config --aws`"
                );
            }
            is_wave
        };
        store::commit(db).await?;
        self.0.is_open.store(is_open, Ordering::Relaxed);
        metrics::gauge!(metric::INCIDENT_OPEN.name).set(f64::from(u8::from(is_open)));
        Ok(())
    }
}
