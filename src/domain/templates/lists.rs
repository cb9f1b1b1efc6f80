//! The statements of each document, in their order.

use serde_json::Value;

use super::statements::{self, Permission};
use super::{TemplateParams, network};
use crate::domain::fix::FixDocument;

/// Of the permissions of the customer's role.
pub(crate) fn of_role(params: &TemplateParams) -> Vec<Value> {
    let granting = Permission::of_role(params).into_iter();
    let granting = granting.map(|permission| statements::role_statement(permission, params));
    granting.chain(network::statement(FixDocument::RolePermissions, params)).collect()
}

/// Of the bucket's policy.
pub(crate) fn of_bucket_policy(params: &TemplateParams) -> Vec<Value> {
    let granting = Permission::of_bucket_policy(params).into_iter();
    let granting = granting.map(|permission| statements::bucket_policy_statement(permission, params));
    granting.chain(network::statement(FixDocument::BucketPolicy, params)).collect()
}

/// To add to the key's policy.
pub(crate) fn of_key_policy(params: &TemplateParams) -> Vec<Value> {
    let granting = std::iter::once(statements::key_policy_statement(params));
    granting.chain(network::statement(FixDocument::KeyPolicy, params)).collect()
}

/// Of the policy of a new key.
pub(crate) fn of_new_key_policy(params: &TemplateParams) -> Vec<Value> {
    let administration = std::iter::once(statements::key_administration_statement(params));
    administration.chain(of_key_policy(params)).collect()
}
