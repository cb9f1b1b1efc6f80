//! Response bodies of the API.

mod invite;
mod storage_config;
mod tenant;
mod token;
mod verification;
mod webhook;

pub use invite::InviteView;
pub use storage_config::StorageConfigView;
pub use tenant::{TenantDetailView, TenantView};
pub use token::TokenView;
pub use verification::{AttemptView, CheckView, VerificationView};
pub use webhook::{DeliveryDetailView, DeliveryView, WebhookView, WebhookWithSecret};
