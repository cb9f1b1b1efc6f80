//! Liveness and readiness.

use axum::extract::State as Extract;

use super::AppState;
use super::conventions::problem::{Problem, ProblemKind};
use crate::read_model::Freshness;

/// The process is alive.
pub async fn live() -> &'static str {
    "ok\n"
}

/// The process can do its work: the database responds, and its schema is current. A process that can still serve the last
/// known answers to internal services stays ready while the database is unavailable.
pub async fn ready(Extract(state): Extract<AppState>) -> Result<&'static str, Problem> {
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
    let applied = sqlx::query_scalar::<_, i64>("select max(version) from _sqlx_migrations where success")
        .fetch_one(&state.context.pool)
        .await
        .map_err(|_| unavailable("The database does not respond, or its schema is missing."))?;
    let wanted = crate::store::migrations::MIGRATIONS.iter().map(|migration| migration.version).max();
    if wanted.is_some_and(|wanted| applied < wanted) {
        return Err(unavailable("The database schema is older than this version. Run latchkey migrate."));
    }
    Ok("ready\n")
}
