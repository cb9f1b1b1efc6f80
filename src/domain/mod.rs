//! Terms and rules, without I/O. Time and randomness are passed in.
//!
//! - **What a customer submits:** [`submission`] validates it, with [`arn`], [`region`] and [`account`], into a
//!   [`storage_config`]. `suggestions` explains likely mistakes.
//! - **What a customer applies:** [`templates`] renders the policies, as JSON, `CloudFormation`, Terraform or a script.
//!   [`document_version`] numbers them, and [`campaign`] has customers update them.
//! - **What is verified:** `catalogue` lists the checks, [`evidence`] holds the results of AWS calls, `rules` decide on them, and
//!   the [`evaluator`] turns them into findings. [`retry`] decides when to try again.
//! - **Tenants:** [`tenant`] derives the status from facts. [`external_id`] binds a customer's policies to the tenant.
//! - **Access:** [`token`], [`invite`] and `web_session` say who may do what. [`grant`] narrows the credentials that are issued.
//! - **What is reported:** [`message`] has the sentences of findings and fixes, [`audit`] the audit log, [`webhook`] the webhooks,
//!   [`contact`] and [`mail`] the mail to customers.
//!
//! Values are parsed where they enter, into types that hold only valid ones:
//!
//! ```
//! use latchkey::domain::ids::TenantRef;
//!
//! assert!(matches!(TenantRef::parse("acme"), Ok(TenantRef::Slug(_))));
//! assert!(matches!(TenantRef::parse("01910f5e-8f6a-7cc3-8f5e-2f8a1c9f0b11"), Ok(TenantRef::Id(_))));
//! assert_eq!(TenantRef::parse("Acme Corp").unwrap_err().code, "malformed_slug");
//! ```

pub mod access_level;
pub mod account;
pub mod active_storage;
pub mod api_result;
pub mod approval;
pub mod arn;
pub mod audit;
pub mod campaign;
pub(crate) mod catalogue;
pub mod check;
pub mod contact;
pub mod customer_token;
pub mod document_version;
pub mod drift;
pub mod evaluator;
pub mod evidence;
pub mod external_id;
pub mod extra_action;
pub mod feed;
pub(crate) mod finding;
pub mod fix;
pub mod grant;
pub(crate) mod idempotency;
pub(crate) mod identity;
pub mod ids;
pub mod invite;
pub(crate) mod issuance;
pub mod key_prefix;
pub mod limits;
pub mod mail;
pub mod message;
pub mod moment;
pub(crate) mod partition;
pub(crate) mod refusal;
pub mod region;
pub mod retry;
pub mod reverification;
pub(crate) mod rules;
pub mod storage_config;
pub mod submission;
pub(crate) mod suggestions;
pub mod templates;
pub mod tenant;
pub(crate) mod text;
pub mod token;
pub mod unauthorized;
pub mod vendor;
pub mod vendor_network;
pub mod verification;
pub(crate) mod web_session;
pub mod webhook;
