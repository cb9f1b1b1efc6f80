//! `latchkey migrate`, and the way to the database for commands that go straight there.

use clap::Args;

use super::{Failure, Outcome};
use crate::app;
use crate::settings::DatabaseSettings;
use crate::store::migrations;

#[derive(Debug, Args)]
pub struct Migrate {
    #[command(flatten)]
    database: DatabaseSettings,
}

impl Migrate {
    pub async fn run(self) -> Outcome {
        let pool = app::pool(self.database.url()?, 2);
        migrations::run(&pool).await.map_err(|error| Failure::Unknown(error.to_string()))?;
        println!("The schema is up to date.");
        Ok(())
    }
}
