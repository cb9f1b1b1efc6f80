//! What a customer has to update because the documents changed.

use crate::domain::document_version::RequestedUpdate;
use crate::domain::text::capital;
use crate::http::AppState;
use crate::service::StoreError;
use crate::service::document_versions;
use crate::service::open_invite::InviteSession;

/// The notice at the top of the documents, and of the result of the last verification.
pub(super) struct UpdateView {
    pub version: i32,
    /// The version that the changes are relative to.
    pub from: Option<i32>,
    /// A sentence each.
    pub changes: Vec<String>,
    pub message: Option<String>,
    pub deadline: Option<String>,
}

impl UpdateView {
    /// None if there is nothing to update.
    pub(super) async fn load(state: &AppState, session: &InviteSession) -> Result<Option<Self>, StoreError> {
        let requested = document_versions::update_of(&state.context, session.tenant.id).await?;
        Ok(requested.map(Self::of))
    }

    fn of(requested: RequestedUpdate) -> Self {
        let changes = requested.update.changes.iter();
        Self {
            version: requested.update.version,
            from: requested.update.from,
            changes: changes.map(|change| format!("It {}.", change.summary)).collect(),
            message: requested.message.map(|message| capital(message.as_str())),
            deadline: requested.deadline.map(|deadline| deadline.format("%Y-%m-%d").to_string()),
        }
    }
}
