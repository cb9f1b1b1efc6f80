//! Errors of the database.

use std::fmt;
use std::str::FromStr;

use strum::{EnumIter, EnumString, IntoStaticStr};

pub type Result<T> = std::result::Result<T, StoreError>;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A constraint refused what concurrent requests could break.
    #[error("the constraint {0:?} was violated")]
    Constraint(Constraint),
    /// A row that the code cannot read.
    #[error("the row {id} of {table} is inconsistent: {what}")]
    Inconsistent { table: &'static str, id: String, what: String },
    /// Another request took over the idempotency key, so the change was not made.
    #[error("another request took over the idempotency key")]
    TakenOver,
    #[error("database error: {0}")]
    Database(#[source] sqlx::Error),
}

/// The constraints that a request can violate, by their names in the migrations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumIter, EnumString, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Constraint {
    TenantsSlugKey,
    StorageConfigsVersionKey,
    ActiveConfigsBucketKey,
    ActiveConfigsRoleKey,
    VerificationsOneRunning,
    VerificationsOneQueued,
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let constraint = error
            .as_database_error()
            .and_then(sqlx::error::DatabaseError::constraint)
            .and_then(|name| Constraint::from_str(name).ok());
        constraint.map_or(Self::Database(error), Self::Constraint)
    }
}

impl StoreError {
    /// Whether the database cannot be reached, as opposed to a statement that failed.
    pub fn is_unavailable(&self) -> bool {
        matches!(
            self,
            Self::Database(sqlx::Error::PoolTimedOut | sqlx::Error::Io(_) | sqlx::Error::PoolClosed)
        )
    }

    pub fn inconsistent(table: &'static str, id: impl fmt::Display, what: impl fmt::Display) -> Self {
        Self::Inconsistent {
            table,
            id: id.to_string(),
            what: what.to_string(),
        }
    }
}

/// Parses the text of a column.
pub(super) fn column<T>(table: &'static str, id: impl fmt::Display, text: &str) -> Result<T>
where
    T: FromStr,
    T::Err: fmt::Display,
{
    text.parse()
        .map_err(|fault| StoreError::inconsistent(table, id, format_args!("{text:?}: {fault}")))
}
