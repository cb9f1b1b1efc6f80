//! A Terraform configuration for the AWS provider. It does not change an existing bucket or key; the statements for their
//! policies are outputs for merging.

use serde_json::Value;

use super::hcl::{expression, quoted};
use super::placeholders::{Placeholder, Placeholders, is_account_regional};
use super::{Parties, TemplateParams, lists, statements};
use crate::domain::arn::{BucketName, KeyArn, RoleName};
use crate::domain::storage_config::Mode;

/// The configuration, with the tenant's known values as the defaults of its variables.
pub fn configuration(params: &TemplateParams, parties: Parties) -> String {
    let placeholders = Placeholders::of(params, params.mode);
    let policy = |statements: &[Value], depth| jsonencoded(&statements::policy(statements), depth, &placeholders);
    let of_bucket = lists::of_bucket_policy(&placeholders.params);
    let of_key = match lists::of_key_policy(&placeholders.params).as_slice() {
        [one] => one.clone(),
        several => Value::from(several),
    };

    let mut text = params
        .version
        .map_or_else(String::new, |version| format!("# Version {version} of the documents.\n"));
    text += HEAD;
    text += &variables(params, parties);
    text += DATA;
    text += "  bucket_policy = ";
    text += &policy(&of_bucket, 1);
    text += "\n  key_statement = ";
    text += &jsonencoded(&of_key, 1, &placeholders);
    text += "\n}\n";
    if params.mode == Mode::AssumeRole {
        text += "\nresource \"aws_iam_role\" \"documents\" {\n  name                 = var.role_name\n  path                 = var.role_path\n  permissions_boundary = var.permissions_boundary\n  tags                 = var.tags\n  assume_role_policy = ";
        text += &policy(&[statements::trust_statement(&placeholders.params)], 1);
        text += "\n}\n\nresource \"aws_iam_role_policy\" \"documents\" {\n  name = \"latchkey\"\n  role = aws_iam_role.documents.id\n  policy = ";
        text += &policy(&lists::of_role(&placeholders.params), 1);
        text += "\n}\n";
    }
    text += KEY;
    text += &policy(&lists::of_new_key_policy(&placeholders.params), 1);
    text += "\n}\n";
    text += BUCKET;
    text += OUTPUTS;
    if params.mode == Mode::AssumeRole {
        text += "\noutput \"role_arn\" {\n  description = \"Role ARN, for the form.\"\n  value       = aws_iam_role.documents.arn\n}\n";
    }
    text
}

fn variables(params: &TemplateParams, parties: Parties) -> String {
    let ids: Vec<&str> = params
        .external_ids
        .iter()
        .map(crate::domain::external_id::ExternalId::as_str)
        .collect();
    let bucket = params.bucket.as_ref().map(BucketName::as_str);
    let text = |value: &str| quoted(value);
    let mut all = vec![
        variable(
            "vendor_role_arn",
            "string",
            &format!("The role of {}, as issued. Do not change it.", parties.vendor),
            Some(text(params.vendor_role.as_str())),
        ),
        variable(
            "external_ids",
            "list(string)",
            &format!("The external ID of {}, as issued. Do not change it.", parties.tenant),
            Some(format!("[{}]", ids.iter().map(|id| quoted(id)).collect::<Vec<_>>().join(", "))),
        ),
        variable(
            "bucket_name",
            "string",
            "The name of the bucket. The provider must use its region.",
            bucket.map(text),
        ),
        variable(
            "create_bucket",
            "bool",
            "false: the bucket already exists and is not changed. Set its default encryption yourself, and merge the output bucket_policy_to_merge into its policy.",
            Some("true".to_owned()),
        ),
        variable(
            "bucket_namespace",
            "string",
            "The namespace of a new bucket: account-regional for a name that ends in -ACCOUNT-REGION-an, otherwise global.",
            Some(text(if bucket.is_some_and(is_account_regional) {
                "account-regional"
            } else {
                "global"
            })),
        ),
        variable(
            "log_bucket",
            "string",
            "The bucket that receives the access logs of a new bucket. Its default encryption must not be a KMS key. null: no access logs.",
            Some("null".to_owned()),
        ),
        variable(
            "key_arn",
            "string",
            "An existing key in this region. It is not changed; add the output key_statement_to_add to its policy. null: a new key is created.",
            Some(
                params
                    .key
                    .as_ref()
                    .map_or_else(|| "null".to_owned(), |key: &KeyArn| quoted(key.as_str())),
            ),
        ),
    ];
    let tags: serde_json::Map<String, Value> = params
        .creation
        .tags
        .iter()
        .map(|(key, value)| (key.to_owned(), value.into()))
        .collect();
    let tags = expression(&Value::Object(tags), 1, &|_| None);
    all.push(variable("tags", "map(string)", "The tags of what is created.", Some(tags)));
    if params.mode == Mode::AssumeRole {
        all.push(variable(
            "role_path",
            "string",
            "The path of the role to create.",
            Some(text(params.creation.role_path.as_str())),
        ));
        let boundary = params.creation.permissions_boundary.as_ref();
        all.push(variable(
            "permissions_boundary",
            "string",
            "The ARN of the policy that limits what the role can be granted. It must allow what the role's permissions do. null: none.",
            Some(boundary.map_or_else(|| "null".to_owned(), |policy| quoted(policy.as_str()))),
        ));
        all.push(variable(
            "role_name",
            "string",
            "The name of the role to create.",
            params.role_name.as_ref().map(RoleName::as_str).map(text),
        ));
    }
    all.concat()
}

fn variable(name: &str, kind: &str, description: &str, default: Option<String>) -> String {
    let default = default.map_or_else(String::new, |default| {
        // Like `terraform fmt`, which aligns single lines.
        let name = if default.contains('\n') { "default" } else { "default    " };
        format!("  {name} = {default}\n")
    });
    format!(
        "\nvariable {} {{\n  description = {}\n  type        = {kind}\n{default}}}\n",
        quoted(name),
        quoted(description)
    )
}

fn jsonencoded(value: &Value, depth: usize, placeholders: &Placeholders) -> String {
    let known = |text: &str| {
        let expression = match placeholders.of_text(text)? {
            Placeholder::Bucket => "local.bucket_arn",
            Placeholder::Objects => return Some(format!("\"${{local.bucket_arn}}/{}", &quoted(&placeholders.params.keys())[1..])),
            Placeholder::Keys => return None,
            Placeholder::Key => "local.key_arn",
            // The attribute makes every policy that names the role wait for the role.
            Placeholder::ClientRole => "aws_iam_role.documents.arn",
            Placeholder::VendorRole => "var.vendor_role_arn",
            Placeholder::ExternalIds => "var.external_ids",
            Placeholder::Root => "\"arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:root\"",
        };
        Some(expression.to_owned())
    };
    format!("jsonencode({})", expression(value, depth, &known))
}

const HEAD: &str = r#"# Apply this with credentials for the account that owns the role and the bucket, in the bucket's region. A key that exists
# can be in another account. The outputs are the values for the form.

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

const DATA: &str = r#"
data "aws_partition" "current" {}

data "aws_caller_identity" "current" {}

data "aws_region" "current" {}

locals {
  bucket_arn = "arn:${data.aws_partition.current.partition}:s3:::${var.bucket_name}"
  key_arn    = var.key_arn == null ? aws_kms_key.documents[0].arn : var.key_arn
"#;

const KEY: &str = r#"
resource "aws_kms_key" "documents" {
  count               = var.key_arn == null ? 1 : 0
  description         = "Documents in ${var.bucket_name}"
  enable_key_rotation = true
  tags                = var.tags

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_kms_key_policy" "documents" {
  count  = var.key_arn == null ? 1 : 0
  key_id = aws_kms_key.documents[0].key_id
  policy = "#;

const BUCKET: &str = r#"
resource "aws_s3_bucket" "documents" {
  count            = var.create_bucket ? 1 : 0
  bucket           = var.bucket_name
  bucket_namespace = var.bucket_namespace
  tags             = var.tags

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_s3_bucket_ownership_controls" "documents" {
  count  = var.create_bucket ? 1 : 0
  bucket = aws_s3_bucket.documents[0].id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "documents" {
  count                   = var.create_bucket ? 1 : 0
  bucket                  = aws_s3_bucket.documents[0].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "documents" {
  count  = var.create_bucket ? 1 : 0
  bucket = aws_s3_bucket.documents[0].id

  rule {
    bucket_key_enabled       = true
    blocked_encryption_types = ["SSE-C"]

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = local.key_arn
    }
  }
}

resource "aws_s3_bucket_logging" "documents" {
  count         = var.create_bucket && var.log_bucket != null ? 1 : 0
  bucket        = aws_s3_bucket.documents[0].id
  target_bucket = var.log_bucket
  target_prefix = "${var.bucket_name}/"
}

resource "aws_s3_bucket_policy" "documents" {
  count  = var.create_bucket ? 1 : 0
  bucket = aws_s3_bucket.documents[0].id
  policy = local.bucket_policy
}
"#;

const OUTPUTS: &str = r#"
output "bucket_policy_to_merge" {
  description = "The statements to add to the policy of an existing bucket."
  value       = var.create_bucket ? null : local.bucket_policy
}

output "key_statement_to_add" {
  description = "What to add to the statements in the policy of an existing key."
  value       = var.key_arn == null ? null : local.key_statement
}

output "bucket_arn" {
  description = "Bucket ARN, for the form."
  value       = local.bucket_arn
}

output "bucket_region" {
  description = "Bucket region, for the form."
  value       = data.aws_region.current.region
}

output "key_arn" {
  description = "Key ARN, for the form."
  value       = local.key_arn
}
"#;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::partition::Partition;
    use crate::domain::templates::samples::{PARTIES, every, rotating, typed, untyped};

    #[test]
    fn untyped_configuration() {
        insta::assert_snapshot!(configuration(&untyped(Partition::Aws, Mode::AssumeRole), PARTIES));
    }

    #[test]
    fn rotating_configuration_of_the_direct_mode() {
        let params = TemplateParams {
            posture: true,
            ..rotating(typed(Partition::China, Mode::Direct))
        };
        insta::assert_snapshot!(configuration(&params, PARTIES));
    }

    #[test]
    fn every_configuration_is_hcl_and_its_outputs_are_the_forms_fields() {
        for (name, params) in every() {
            let body: hcl::Body = hcl::from_str(&configuration(&params, PARTIES)).unwrap();
            let outputs: Vec<&str> = body
                .blocks()
                .filter(|block| block.identifier() == "output")
                .map(|block| block.labels()[0].as_str())
                .collect();
            for field in ["bucket_arn", "bucket_region", "key_arn"] {
                assert!(outputs.contains(&field), "{name}: {field}");
            }
            assert_eq!(outputs.contains(&"role_arn"), params.mode == Mode::AssumeRole, "{name}");
        }
    }
}
