//! OpenAPI schemas of the domain's words and texts. They are here because the domain knows nothing of OpenAPI.

use serde_json::json;
use strum::IntoEnumIterator;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::domain::access_level::AccessLevel;
use crate::domain::account::AccountId;
use crate::domain::approval::ApprovalState;
use crate::domain::arn::{BucketArn, BucketName, KeyArn, RoleArn};
use crate::domain::campaign::{CampaignMessage, CampaignTenantState};
use crate::domain::catalogue::CheckName;
use crate::domain::check::{CheckStatus, FaultSide};
use crate::domain::contact::{ContactName, ContactState, EmailAddress};
use crate::domain::external_id::ExternalId;
use crate::domain::fix::{FixAction, FixDocument};
use crate::domain::ids::{
    AuditEventId, CampaignId, ContactId, DeliveryId, DriftId, InviteId, InviteSessionId, MailId, MessageId, Slug, StorageConfigId,
    TenantId, TenantName, TokenId, VerificationId, WebhookId,
};
use crate::domain::invite::{InvitePurpose, InviteSessionKind, InviteState};
use crate::domain::key_prefix::StoragePrefix;
use crate::domain::mail::{MailFault, MailKind, MailState};
use crate::domain::region::Region;
use crate::domain::storage_config::Mode;
use crate::domain::templates::json::DocumentKind;
use crate::domain::templates::merge::{MergeCode, MergeTarget};
use crate::domain::tenant::TenantStatus;
use crate::domain::token::Role;
use crate::domain::verification::{Trigger, Verdict, VerificationState};
use crate::domain::webhook::{DeliveryFailureKind, DeliveryState, MessageType, Topic, WebhookDescription};

/// UUIDs.
macro_rules! ids {
    ($($type:ty),* $(,)?) => {$(
        impl PartialSchema for $type {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)))
                    .into()
            }
        }

        impl ToSchema for $type {}
    )*};
}

ids!(
    AuditEventId,
    CampaignId,
    ContactId,
    DeliveryId,
    DriftId,
    InviteId,
    InviteSessionId,
    MailId,
    MessageId,
    StorageConfigId,
    TenantId,
    TokenId,
    VerificationId,
    WebhookId,
);

/// Validated texts, each with an example.
macro_rules! texts {
    ($($type:ty: $example:literal),* $(,)?) => {$(
        impl PartialSchema for $type {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new().schema_type(Type::String).examples([json!($example)]).into()
            }
        }

        impl ToSchema for $type {}
    )*};
}

texts!(
    AccountId: "123456789012",
    BucketArn: "arn:aws:s3:::my-bucket",
    BucketName: "my-bucket",
    CampaignMessage: "Previews of documents need a new permission.",
    ContactName: "Jo Miller",
    EmailAddress: "jo@example.com",
    ExternalId: "lk-3f1c9a5e7b2d4860a1b2c3d4e5f60718293a4b5c",
    KeyArn: "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    Region: "eu-central-1",
    RoleArn: "arn:aws:iam::123456789012:role/my-role",
    Slug: "acme",
    StoragePrefix: "documents/",
    TenantName: "Acme Corporation",
    WebhookDescription: "The billing service",
);

/// Enums, with all their values as they are serialized.
macro_rules! enums {
    ($($type:ty: $description:literal),* $(,)?) => {$(
        impl PartialSchema for $type {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .description(Some($description))
                    .enum_values(Some(<$type>::iter().map(|value| json!(value))))
                    .into()
            }
        }

        impl ToSchema for $type {}
    )*};
}

enums!(
    ApprovalState: "The state of an approval.",
    CampaignTenantState: "How far a tenant of a campaign is.",
    CheckName: "The name of a check.",
    CheckStatus: "The result of a check.",
    ContactState: "The state of a contact. Only confirmed ones get mail.",
    DeliveryFailureKind: "Why a message was not delivered.",
    DeliveryState: "The state of a delivery.",
    DocumentKind: "The type of a document's body.",
    FaultSide: "Who must act for the check to pass.",
    FixAction: "What to do with the statement or setting of a fix.",
    FixDocument: "The policy or setting that a fix changes.",
    InvitePurpose: "What an invite is for.",
    InviteSessionKind: "What uses an invite.",
    InviteState: "The state of an invite at a given time.",
    MailFault: "Why a mail was not sent.",
    MailKind: "What a mail is about.",
    MailState: "The state of a mail.",
    MergeCode: "Why a statement of a merged policy needs a review.",
    MergeTarget: "The documents that may already have other statements.",
    MessageType: "The type of a message.",
    AccessLevel: "What the vendor may do with the documents.",
    Mode: "How the vendor accesses the bucket.",
    Role: "The role of a token.",
    TenantStatus: "The status of a tenant, which follows from facts.",
    Topic: "An event that a webhook can subscribe to.",
    Trigger: "What started a verification.",
    Verdict: "The result of a verification.",
    VerificationState: "The state of a verification.",
);
