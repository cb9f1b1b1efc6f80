//! Whether the process lives, and whether it can do its work.

use axum::extract::State as Extract;

use super::State;
use super::problem::{Kind, Problem};

/// It lives.
pub async fn live() -> &'static str {
    "ok\n"
}

/// It can do its work: the database answers, and its schema is this version's.
pub async fn ready(Extract(state): Extract<State>) -> Result<&'static str, Problem> {
    let unavailable = |detail| Problem::new(Kind::Unavailable, detail);
    if state.stop.is_cancelled() {
        return Err(unavailable("The process is stopping."));
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
