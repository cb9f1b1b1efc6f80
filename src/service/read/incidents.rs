//! Reads of incidents.

use crate::domain::reverification::incident::Incident;
use crate::service::Context;
use crate::store::{self, incidents};

/// The open incident.
pub async fn open(context: &Context) -> store::Result<Option<Incident>> {
    let mut db = context.pool.acquire().await?;
    incidents::open(&mut db).await
}
