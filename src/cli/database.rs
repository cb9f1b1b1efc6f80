//! `latchkey migrate`

use clap::Args;

use super::{CommandResult, Failure};
use crate::app;
use crate::settings::{AuditSettings, DatabaseSettings};
use crate::store::grants::{self, Granted};
use crate::store::history::{self, AuditRetention};
use crate::store::migrations;

#[derive(Debug, Args)]
pub(super) struct Migrate {
    /// Another database role, which the service will run as. It gets the rights that it needs, but cannot change the schema or rewrite
    /// the audit log.
    #[arg(long, value_name = "ROLE")]
    grant_to: Option<String>,
    #[command(flatten)]
    audit: AuditSettings,
    #[command(flatten)]
    database: DatabaseSettings,
}

impl Migrate {
    pub(super) async fn run(self) -> CommandResult {
        let pool = app::pool(self.database.url()?, 2);
        migrations::run(&pool)
            .await
            .map_err(|error| Failure::Inconclusive(error.to_string()))?;
        println!("The database schema is up to date.");
        let kept = history::keep_audit_log(&pool, self.audit.retention())
            .await
            .map_err(|error| Failure::Inconclusive(error.to_string()))?;
        if kept == AuditRetention::Other {
            return Err(Failure::Usage(
                "only the owner of the schema can change how long the audit log is kept".to_owned(),
            ));
        }
        if let Some(role) = self.grant_to {
            let granted = grants::grant(&pool, &role)
                .await
                .map_err(|error| Failure::Usage(format!("cannot grant rights to {role}: {error}")))?;
            if granted == Granted::OwnsTheLog {
                return Err(Failure::Usage(format!(
                    "the role {role} can rewrite the audit log, because it is a superuser, a member of the owner's role, or has rights through \
                     another role; nothing was granted"
                )));
            }
            println!("The role {role} has the rights that the service needs.");
        }
        Ok(())
    }
}
