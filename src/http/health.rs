//! Whether the process lives, and whether it can do its work.

use axum::extract::State as Extract;

use super::AppState;
use super::conventions::problem::{Problem, ProblemKind};
use crate::read_model::Freshness;

/// It lives.
pub async fn live() -> &'static str {
    "ok\n"
}

/// It can do its work: the database answers, and its schema is this version's. A process that still has the last known
/// answers for internal services while the database is away stays ready: otherwise nobody would get them.
pub async fn ready(Extract(state): Extract<AppState>) -> Result<&'static str, Problem> {
    let unavailable = |detail: &str| Problem::new(ProblemKind::Unavailable, detail);
    if state.stop.is_cancelled() {
        return Err(unavailable("The process is stopping."));
    }
    match state.directory.freshness() {
        Ok(Freshness::Fresh) => {}
        Ok(Freshness::Stale) => return Ok("ready, but the database is away: internal services get the last known answers\n"),
        Err(unready) => {
            let why = "The database does not answer, or it is still being read.";
            return Err(unavailable(&format!("{unready} {why}")));
        }
    }
    let applied = sqlx::query_scalar::<_, i64>("select max(version) from _sqlx_migrations where success")
        .fetch_one(&state.context.pool)
        .await
        .map_err(|_| unavailable("The database does not answer, or its schema is missing."))?;
    let wanted = crate::store::migrations::MIGRATIONS.iter().map(|migration| migration.version).max();
    if wanted.is_some_and(|wanted| applied < wanted) {
        return Err(unavailable(
            "The database's schema is older than this version: run latchkey migrate.",
        ));
    }
    Ok("ready\n")
}
