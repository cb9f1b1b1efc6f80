//! Whether the database can be used.

use super::Context;
use crate::store::migrations;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DatabaseHealth {
    Ready,
    /// The schema is older than this version of Latchkey.
    Outdated,
    /// The database does not respond, or has no schema.
    Unavailable,
}

pub(crate) async fn database(context: &Context) -> DatabaseHealth {
    match migrations::are_applied(&context.pool).await {
        Ok(true) => DatabaseHealth::Ready,
        Ok(false) => DatabaseHealth::Outdated,
        Err(_) => DatabaseHealth::Unavailable,
    }
}
