//! History: its partitions are created ahead, and dropped when they are older than the retention.

use std::time::Duration;

use tracing::{info, warn};

use super::Context;
use crate::store::history::{self, Dropped};
use crate::store::{self, Outage};

/// The functions of the schema give up after waiting briefly for a lock, because others wait behind them.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_secs(2);

/// Creates partitions ahead, and drops old ones. What is in use at the time is left to the next run.
pub async fn sweep(context: &Context) -> store::Result<()> {
    let steps = [
        Step::Add,
        Step::Drop("verifications", Dropped::Verifications(context.retention.verifications)),
        Step::Drop("deliveries", Dropped::Deliveries(context.retention.deliveries)),
        Step::Drop("audit_events", Dropped::AuditEvents),
    ];
    for step in steps {
        let mut tries = 0;
        while let Err(error) = step.run(context).await {
            if error.outage() != Some(Outage::Overloaded) {
                return Err(error);
            }
            tries += 1;
            if tries == TRIES {
                warn!(?step, "the tables of the history are in use; their partitions are changed later");
                break;
            }
            context.clock.sleep(PAUSE).await;
        }
    }
    Ok(())
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Add,
    Drop(&'static str, Dropped),
}

impl Step {
    async fn run(self, context: &Context) -> store::Result<()> {
        let mut db = store::begin(&context.pool).await?;
        match self {
            Self::Add => {
                let lacking = history::add_partitions(&mut db).await?;
                store::commit(db).await?;
                if !lacking.is_empty() {
                    warn!(
                        tables = lacking.join(", "),
                        "no partition can be added for a month, because its rows are in the one for other times already; they are kept there"
                    );
                }
            }
            Self::Drop(kind, what) => {
                let partitions = history::drop_partitions(&mut db, what).await?;
                store::commit(db).await?;
                if partitions > 0 {
                    info!(kind, partitions, "dropped old partitions");
                }
            }
        }
        Ok(())
    }
}
