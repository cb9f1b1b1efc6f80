//! `latchkey audit`

use clap::{Args, Subcommand};
use sqlx::Connection;

use super::{CommandResult, Failure};
use crate::app;
use crate::settings::DatabaseSettings;
use crate::store::audit_chain::{self, AuditAnchor, AuditHead};
use crate::store::{self, StoreError};

#[derive(Debug, Subcommand)]
pub(super) enum Audit {
    /// Verify that no entry of the audit log was removed, changed, inserted or moved, and that every erasure has an entry.
    ///
    /// Prints the head of the log. Keep it outside of the database, and pass it next time.
    /// Exit code: 0 intact and complete, 1 not, 3 could not be determined.
    Verify(Verify),
}

#[derive(Debug, Args)]
pub(super) struct Verify {
    /// A head that an earlier run printed. It must still be part of the log.
    #[arg(long, value_name = "POSITION:HASH")]
    head: Option<AuditHead>,
    #[command(flatten)]
    database: DatabaseSettings,
}

impl Audit {
    pub(super) async fn run(self) -> CommandResult {
        let Self::Verify(Verify { head, database }) = self;
        let pool = app::pool(database.url()?, 1);
        let inconclusive = |error: StoreError| Failure::Inconclusive(error.to_string());
        let mut db = store::acquire(&pool).await.map_err(inconclusive)?;
        let mut snapshot = db
            .begin_with("begin isolation level repeatable read, read only")
            .await
            .map_err(|error| inconclusive(error.into()))?;
        let verified = audit_chain::verify(&mut snapshot, head.as_ref()).await.map_err(inconclusive)?;
        let unrecorded = audit_chain::unrecorded_erasures(&mut snapshot).await.map_err(inconclusive)?;
        let anchor = audit_chain::anchor(&mut snapshot).await.map_err(inconclusive)?;
        if let (Some(head), Some(anchor)) = (&head, &anchor)
            && head.position < anchor.head.position
        {
            eprintln!(
                "latchkey: the head {head} cannot be checked: entries up to position {} were dropped",
                anchor.head.position
            );
        }
        for tenant in &unrecorded {
            eprintln!("latchkey: the audit log is not complete: tenant {tenant} was erased, and there is no entry tenant.erased");
        }
        match verified {
            Ok(Some(head)) => println!(
                "The audit log is intact: {} entries.{}\nHead: {head}",
                head.position - anchor.as_ref().map_or(0, |anchor| anchor.head.position),
                anchor.as_ref().map(dropped).unwrap_or_default()
            ),
            Ok(None) => println!("The audit log is empty."),
            Err(faults) => {
                for fault in &faults.listed {
                    eprintln!("latchkey: the audit log is not intact: {fault}");
                }
                if faults.unlisted > 0 {
                    eprintln!("latchkey: the audit log is not intact: {} more", faults.unlisted);
                }
                return Err(Failure::Negative);
            }
        }
        if unrecorded.is_empty() { Ok(()) } else { Err(Failure::Negative) }
    }
}

fn dropped(anchor: &AuditAnchor) -> String {
    let AuditAnchor { head, at } = anchor;
    format!(
        "\nEarlier entries, up to position {} of {}, were dropped because of the retention.",
        head.position,
        at.format("%Y-%m-%d")
    )
}
