//! Liveness and readiness.

use axum::extract::State;

use super::AppState;
use super::conventions::problem::{Problem, ProblemKind};
use crate::read_model::Freshness;

/// Liveness.
pub(crate) async fn live() -> &'static str {
    "ok\n"
}

/// Readiness: the database responds, and its schema is current. A process that can still serve recent data from memory to
/// internal services stays ready while the database is unavailable.
///
/// The read model knows it from its own connection, so a process whose other connections are all busy stays ready.
pub(crate) async fn ready(State(state): State<AppState>) -> Result<&'static str, Problem> {
    let unavailable = |detail: &str| Problem::new(ProblemKind::Unavailable, detail);
    if state.shutdown.is_cancelled() {
        return Err(unavailable("The process is stopping."));
    }
    match state.read_model.freshness() {
        Ok(Freshness::Fresh) => {}
        Ok(Freshness::Stale) => return Ok("ready, but the database is unavailable: internal services get the last known answers\n"),
        Err(unready) => {
            let why = "The database does not respond, or the tenants are still being loaded.";
            return Err(unavailable(&format!("{unready} {why}")));
        }
    }
    if state.read_model.has_schema() {
        Ok("ready\n")
    } else {
        Err(unavailable("The database schema is older than this version. Run latchkey migrate."))
    }
}
