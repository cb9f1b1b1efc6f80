//! A Terraform configuration for the vendor's account.

use serde_json::Value;

use super::{POLICY_NAME, Role};
use crate::domain::templates::hcl::{expression, quoted};

const HEAD: &str = r#"# Apply this with credentials for the account that contains Latchkey's roles.

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.40"
    }
  }
}
"#;

pub(super) fn configuration(roles: &[Role]) -> String {
    let mut text = String::from(HEAD);
    for role in roles {
        text += &resources(role);
    }
    text
}

fn resources(role: &Role) -> String {
    let (label, name) = (role.label, quoted(role.arn.name().as_str()));
    let (text, attached_to) = match role.trust {
        Some(trust) => {
            let (path, trust) = (quoted(role.arn.path()), encoded(trust));
            (
                format!(
                    "\nresource \"aws_iam_role\" \"{label}\" {{\n  name = {name}\n  path = {path}\n  assume_role_policy = {trust}\n}}\n"
                ),
                format!("aws_iam_role.{label}.id"),
            )
        }
        None => (String::new(), name),
    };
    let (policy_name, policy) = (quoted(POLICY_NAME), encoded(role.permissions));
    text + &format!(
        "\nresource \"aws_iam_role_policy\" \"{label}\" {{\n  name = {policy_name}\n  role = {attached_to}\n  policy = {policy}\n}}\n"
    )
}

fn encoded(policy: &Value) -> String {
    format!("jsonencode({})", expression(policy, 1, &|_| None))
}
