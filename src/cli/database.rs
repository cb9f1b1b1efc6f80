//! `latchkey migrate`

use clap::Args;

use super::{CommandResult, Failure};
use crate::app;
use crate::settings::DatabaseSettings;
use crate::store::migrations;

#[derive(Debug, Args)]
pub(super) struct Migrate {
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
        Ok(())
    }
}
