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
    ActiveConfigsNoOverlap,
    ActiveConfigsRoleKey,
    VerificationsOneRunning,
    VerificationsOneQueued,
    ContactsEmailKey,
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

/// Why the database does not serve a request now, although a later one may succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outage {
    /// It cannot be reached, or is starting up or shutting down.
    Unreachable,
    /// It is read-only or full.
    RefusesChanges,
    /// It has no connection left, or the statement waited or ran for too long.
    Overloaded,
}

impl Outage {
    pub(super) fn of(error: &sqlx::Error) -> Option<Self> {
        match error {
            // A connection that ends in the middle of a message is a protocol error. A pool times out whatever the cause.
            sqlx::Error::Io(_)
            | sqlx::Error::PoolClosed
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::Protocol(_)
            | sqlx::Error::WorkerCrashed => Some(Self::Unreachable),
            sqlx::Error::Database(error) => Self::of_code(&error.code()?),
            _ => None,
        }
    }

    /// By the SQLSTATE: <https://www.postgresql.org/docs/current/errcodes-appendix.html>
    fn of_code(code: &str) -> Option<Self> {
        match code {
            // admin_shutdown, crash_shutdown, cannot_connect_now, database_dropped, idle_session_timeout.
            "57P01" | "57P02" | "57P03" | "57P04" | "57P05" => Some(Self::Unreachable),
            // read_only_sql_transaction, disk_full.
            "25006" | "53100" => Some(Self::RefusesChanges),
            // query_canceled (by the statement's timeout), lock_not_available, deadlock_detected, serialization_failure,
            // idle_in_transaction_session_timeout, transaction_timeout.
            "57014" | "55P03" | "40P01" | "40001" | "25P03" | "25P04" => Some(Self::Overloaded),
            // connection_exception, insufficient_resources, system_error.
            _ => match code.get(..2)? {
                "08" => Some(Self::Unreachable),
                "53" => Some(Self::Overloaded),
                "58" => Some(Self::RefusesChanges),
                _ => None,
            },
        }
    }
}

impl StoreError {
    /// Why the database could not serve the request at that time. None if the statement is wrong.
    pub fn outage(&self) -> Option<Outage> {
        match self {
            Self::Database(error) => Outage::of(error),
            _ => None,
        }
    }

    pub fn inconsistent(table: &'static str, id: impl fmt::Display, what: impl fmt::Display) -> Self {
        Self::Inconsistent {
            table,
            id: id.to_string(),
            what: what.to_string(),
        }
    }
}

/// For notes that a read makes, such as when a token was last used: a database that is read-only or full can still be read.
pub(crate) fn unless_changes_are_refused(noted: Result<()>) -> Result<()> {
    match noted {
        Err(error) if error.outage() == Some(Outage::RefusesChanges) => Ok(()),
        noted => noted,
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

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("57P01", Some(Outage::Unreachable))]
    #[case("08006", Some(Outage::Unreachable))]
    #[case("25006", Some(Outage::RefusesChanges))]
    #[case("53100", Some(Outage::RefusesChanges))]
    #[case("58030", Some(Outage::RefusesChanges))]
    #[case("53300", Some(Outage::Overloaded))]
    #[case("55P03", Some(Outage::Overloaded))]
    #[case("28P01", None)]
    #[case("3D000", None)]
    #[case("42P01", None)]
    #[case("23505", None)]
    fn an_outage_is_recognized_by_its_code(#[case] code: &str, #[case] expected: Option<Outage>) {
        assert_eq!(Outage::of_code(code), expected);
    }
}
