//! Notices that something changed, by Postgres's `NOTIFY`: sent when the transaction commits, heard by every replica.

use sqlx::PgConnection;

use super::Result;
use crate::domain::ids::VerificationId;

/// The channel on which a verification's id is sent whenever it has a new event.
pub const VERIFICATIONS: &str = "latchkey_verifications";

pub async fn verification_changed(db: &mut PgConnection, id: VerificationId) -> Result<()> {
    sqlx::query!("select pg_notify($1, $2)", VERIFICATIONS, id.to_string())
        .execute(db)
        .await?;
    Ok(())
}
