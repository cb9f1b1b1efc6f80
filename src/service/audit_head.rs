//! The head of the audit log, as a log line: a log collector then keeps a copy outside of the database.

use tracing::info;

use super::Context;
use crate::store::{self, audit_chain};

/// Logs the head. `latchkey audit verify --head` checks that it is still part of the log.
pub async fn log(context: &Context) -> store::Result<()> {
    let mut db = store::acquire(&context.pool).await?;
    if let Some(head) = audit_chain::head(&mut db).await? {
        info!(%head, "head of the audit log");
    }
    Ok(())
}
