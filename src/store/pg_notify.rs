//! Notifications of verification events, by Postgres's `NOTIFY`: sent when the transaction commits, received by every process.

use sqlx::PgConnection;
use sqlx::postgres::PgConnectOptions;

use super::Result;
use super::watched_connection::WatchedConnection;
use crate::domain::ids::VerificationId;

/// The channel on which a verification's ID is sent whenever it has a new event.
const VERIFICATIONS: &str = "latchkey_verifications";

pub(crate) async fn verification_changed(db: &mut PgConnection, id: VerificationId) -> Result<()> {
    sqlx::query!("select pg_notify($1, $2)", VERIFICATIONS, id.to_string())
        .execute(db)
        .await?;
    Ok(())
}

/// Listens on a separate connection, so that requests cannot starve it.
pub(crate) struct VerificationListener(WatchedConnection);

impl VerificationListener {
    pub(crate) async fn connect(options: PgConnectOptions) -> Result<Self> {
        let mut connection = WatchedConnection::connect(options).await?;
        connection.execute(async |listener| listener.listen(VERIFICATIONS).await).await?;
        Ok(Self(connection))
    }

    /// Waits for the next notification. None if it names no verification.
    ///
    /// # Errors
    /// When the connection is lost.
    pub(crate) async fn next(&mut self) -> Result<Option<VerificationId>> {
        let notification = self.0.next().await?;
        Ok(VerificationId::parse(notification.payload()).ok())
    }
}
