//! `/v1`, the API for operators. One file per operation.

mod abandon_external_id;
mod approve_storage_config;
pub(crate) mod campaigns;
mod change_tenant;
pub(crate) mod contacts;
mod create_invite;
mod create_tenant;
pub(crate) mod create_token;
mod decline_storage_config;
mod end_external_id;
mod end_invite_session;
mod erase_personal_data;
mod explain_removal;
mod explain_revocation;
mod explain_token_revocation;
mod get_storage_config;
mod get_tenant;
mod get_verification;
mod issue_templates;
mod list_approvals;
mod list_document_versions;
mod list_drifts;
mod list_events;
mod list_invite_sessions;
mod list_invites;
mod list_storage_configs;
mod list_tenant_drifts;
pub(crate) mod list_tenants;
mod list_tokens;
mod list_verifications;
mod merge_template;
mod offboard_tenant;
mod reason;
mod request_reverification;
mod request_verification;
mod resume_tenant;
mod revoke_invite;
mod revoke_sessions;
mod revoke_token;
mod rotate_external_id;
mod stats;
mod submit_storage_config;
mod suspend_tenant;
mod validate;
pub(crate) mod verification_events;
pub(crate) mod webhooks;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::AppState;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(create_tenant::handle, list_tenants::handle))
        .routes(routes!(get_tenant::handle, change_tenant::handle, offboard_tenant::handle))
        .routes(routes!(rotate_external_id::handle))
        .routes(routes!(abandon_external_id::handle))
        .routes(routes!(end_external_id::handle))
        .routes(routes!(erase_personal_data::handle))
        .routes(routes!(suspend_tenant::handle))
        .routes(routes!(resume_tenant::handle))
        .routes(routes!(issue_templates::handle))
        .routes(routes!(merge_template::handle))
        .routes(routes!(explain_removal::handle))
        .routes(routes!(explain_revocation::handle, revoke_sessions::handle))
        .routes(routes!(explain_token_revocation::handle))
        .routes(routes!(submit_storage_config::handle, list_storage_configs::handle))
        .routes(routes!(get_storage_config::handle))
        .routes(routes!(approve_storage_config::handle))
        .routes(routes!(decline_storage_config::handle))
        .routes(routes!(list_approvals::handle))
        .routes(routes!(request_verification::handle, list_verifications::handle))
        .routes(routes!(list_drifts::handle))
        .routes(routes!(list_tenant_drifts::handle))
        .routes(routes!(request_reverification::handle))
        .routes(routes!(get_verification::handle))
        .routes(routes!(verification_events::handle))
        .routes(routes!(validate::handle))
        .routes(routes!(list_events::handle))
        .routes(routes!(stats::handle))
        .routes(routes!(create_token::handle, list_tokens::handle))
        .routes(routes!(revoke_token::handle))
        .routes(routes!(create_invite::handle, list_invites::handle))
        .routes(routes!(revoke_invite::handle))
        .routes(routes!(list_invite_sessions::handle))
        .routes(routes!(end_invite_session::handle))
        .routes(routes!(list_document_versions::handle))
        .merge(campaigns::router())
        .merge(contacts::router())
        .merge(webhooks::router())
}
