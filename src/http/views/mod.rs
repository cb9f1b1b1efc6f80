//! Response bodies of the API, and the OpenAPI schemas of what they contain.

mod active_storage;
mod approval;
mod campaign;
mod connection;
mod contact;
mod document_version;
mod documents;
mod drift;
mod invite;
mod merged_document;
mod removal;
mod schemas;
mod sessions;
mod storage_config;
mod tenant;
mod token;
mod verification;
mod webhook;

pub(crate) use active_storage::ActiveStorageSchema;
pub(crate) use approval::{ApprovalView, PendingApprovalView};
pub(crate) use campaign::{CampaignDetailView, CampaignPreviewView, CampaignTenantView, CampaignView};
pub(crate) use connection::ConnectionView;
pub(crate) use contact::{ContactView, MailView};
pub(crate) use document_version::DocumentVersionsView;
pub(crate) use documents::DocumentsView;
pub(crate) use drift::{DriftView, FeedDriftView};
pub(crate) use invite::{InviteSessionView, InviteView};
pub(crate) use merged_document::MergedDocumentView;
pub(crate) use removal::RemovalView;
pub(crate) use sessions::{LiveSessionsView, RevokedTokenView, StoppedTenantView};
pub(crate) use storage_config::StorageConfigView;
pub(crate) use tenant::{ListedTenantView, TenantDetailView, TenantView};
pub(crate) use token::TokenView;
pub(crate) use verification::{AttemptView, CheckView, VerificationView};
pub(crate) use webhook::{DeliveryDetailView, DeliveryView, WebhookView, WebhookWithSecret};
