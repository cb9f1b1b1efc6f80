//! Notifications of verification events, by Postgres's `NOTIFY`: sent when the transaction commits, received by every process.

use sqlx::postgres::PgListener;
use sqlx::{PgConnection, PgPool};

use super::Result;
use crate::domain::ids::VerificationId;

/// The channel on which a verification's ID is sent whenever it has a new event.
const VERIFICATIONS: &str = "latchkey_verifications";

pub(crate) async fn verification_changed(db: &mut PgConnection, id: VerificationId) -> Result<()> {
    sqlx::query!("select pg_notify($1, $2)", VERIFICATIONS, id.to_string())
        .execute(db)
        .await?;
    Ok(())
}

pub(crate) struct VerificationListener(PgListener);

impl VerificationListener {
    pub(crate) async fn connect(pool: &PgPool) -> Result<Self> {
        let mut listener = PgListener::connect_with(pool).await?;
        listener.listen(VERIFICATIONS).await?;
        Ok(Self(listener))
    }

    /// Waits for the next notification. `Some(None)` if it names no verification; `None` when the connection is lost.
    pub(crate) async fn next(&mut self) -> Result<Option<Option<VerificationId>>> {
        let notification = self.0.try_recv().await?;
        Ok(notification.map(|notification| VerificationId::parse(notification.payload()).ok()))
    }
}
