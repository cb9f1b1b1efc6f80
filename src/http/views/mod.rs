//! Response bodies of the API, and the OpenAPI schemas of what they contain.

mod active_storage;
mod documents;
mod invite;
mod merged_document;
mod removal;
mod schemas;
mod storage_config;
mod tenant;
mod token;
mod verification;
mod webhook;

pub use active_storage::ActiveStorageSchema;
pub use documents::DocumentsView;
pub use invite::InviteView;
pub use merged_document::MergedDocumentView;
pub use removal::RemovalView;
pub use storage_config::StorageConfigView;
pub use tenant::{TenantDetailView, TenantView};
pub use token::TokenView;
pub use verification::{AttemptView, CheckView, VerificationView};
pub use webhook::{DeliveryDetailView, DeliveryView, WebhookView, WebhookWithSecret};
