//! Settings of the database.

use std::fmt;

use clap::Args;
use sqlx::postgres::PgConnectOptions;

use super::ConfigError;
use super::value::{Format, number};

const DATABASE_URL: Format = Format("a Postgres URL", "postgres://latchkey:<password>@db.internal:5432/latchkey");

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Database")]
pub struct DatabaseSettings {
    /// URL of the Postgres database.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL", value_parser = DATABASE_URL.parser(database_url))]
    database_url: Option<DatabaseUrl>,

    /// Maximum number of database connections of this process, from 5 to 1000. They are divided 30/30/40
    /// between the public listener, the private listener and the worker. Two more connections listen for changes.
    #[arg(long, env = "LATCHKEY_DATABASE_CONNECTIONS", default_value = "20", value_name = "NUMBER",
          value_parser = Format("a number from 5 to 1000", "20").parser(number(5..=1000)))]
    pub database_connections: u32,
}

impl DatabaseSettings {
    pub fn url(&self) -> Result<PgConnectOptions, ConfigError> {
        let url = self.database_url.as_ref();
        url.map(|url| url.0.clone())
            .ok_or_else(|| DATABASE_URL.error("DATABASE_URL", "not set"))
    }
}

/// Connection options with a password in them, which must not be logged.
#[derive(Clone)]
struct DatabaseUrl(PgConnectOptions);

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DatabaseUrl")
    }
}

/// Errors never quote the URL: it may contain a password.
fn database_url(text: &str) -> Result<DatabaseUrl, &'static str> {
    if !["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme)) {
        return Err("does not start with postgres://");
    }
    text.parse().map(DatabaseUrl).map_err(|_| "not a valid URL")
}
