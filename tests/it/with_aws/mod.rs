//! Tests that need the AWS stand-in. Files outside have a few more, in modules called `tests_with_aws`.

mod ablation;
mod attempts;
mod clients;
mod crash;
mod credential_safety;
mod credentials;
mod document_versions;
mod drift;
mod isolation;
mod journey;
mod lifecycle;
mod observability;
mod quarantine;
mod resubmission;
mod rotation;
mod scopes;
mod sts_regions;
mod templates;
mod vendor_checks;
mod vendor_setup;
mod vendor_template;
mod verification_events;
