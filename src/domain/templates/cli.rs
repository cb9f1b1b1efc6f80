//! A POSIX shell script that uses the AWS CLI. The logic is in `cli.sh` and the same for every tenant. It is preceded by the
//! tenant's values as variables, and the documents as functions that print them.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::placeholders::{Placeholder, Placeholders};
use super::{Parties, TemplateParams, lists, statements};
use crate::domain::arn::{BucketName, KeyArn, PolicyArn, RoleName};
use crate::domain::storage_config::Mode;

const HEAD: &str =
    "# Run this with credentials for the account that owns the bucket and the key. It shows what it will do and asks for confirmation.
# It never overwrites an existing policy, and can be run again.
set -eu

# Your values. A bucket, key or role that does not exist is created. With an empty key_arn, a new key is created.
";

/// The script, with the tenant's values in its variables.
pub fn script(params: &TemplateParams, parties: Parties) -> String {
    let placeholders = Placeholders::of(params, params.mode);
    let mut text = String::from("#!/bin/sh\n");
    if let Some(version) = params.version {
        let _ = writeln!(text, "# Version {version} of the documents.");
    }
    text += HEAD;
    let mut set = |name: &str, value: &str| {
        let _ = writeln!(text, "{name}={}", quoted(value));
    };
    set("bucket", params.bucket.as_ref().map_or("", BucketName::as_str));
    set("key_arn", params.key.as_ref().map_or("", KeyArn::as_str));
    if params.mode == Mode::AssumeRole {
        set("role_name", params.role_name.as_ref().map_or("", RoleName::as_str));
    }
    set("log_bucket", "");
    text += "\n# For what is created: tags such as Team=Records,Stage=prod";
    text += if params.mode == Mode::AssumeRole {
        ", and the path and the permissions boundary of the role.\n"
    } else {
        ".\n"
    };
    let creation = &params.creation;
    let mut set = |name: &str, value: &str| {
        let _ = writeln!(text, "{name}={}", quoted(value));
    };
    set("tags", &creation.tags.to_string());
    if params.mode == Mode::AssumeRole {
        set("role_path", creation.role_path.as_str());
        set(
            "permissions_boundary",
            creation.permissions_boundary.as_ref().map_or("", PolicyArn::as_str),
        );
    }
    text += "\n# Issued by the vendor. Do not change.\n";
    let mut set = |name: &str, value: &str| {
        let _ = writeln!(text, "{name}={}", quoted(value));
    };
    set("mode", &params.mode.to_string());
    set("partition", params.partition.as_str());
    set("title", &parties.title());
    set(
        "sid_suffix",
        &params.sid_suffix.map(|suffix| suffix.to_string()).unwrap_or_default(),
    );
    text += "\n";
    for (name, document) in documents(&placeholders) {
        let body = printed(&document, 0, params, &placeholders);
        let _ = writeln!(text, "{name}() {{\n    cat <<DOCUMENT\n{body}\nDOCUMENT\n}}\n");
    }
    text + include_str!("cli.sh")
}

/// The documents, and the names of the functions that print them.
fn documents(placeholders: &Placeholders) -> Vec<(&'static str, Value)> {
    let params = &placeholders.params;
    let (of_bucket, of_key) = (lists::of_bucket_policy(params), lists::of_key_policy(params));
    let mut documents = vec![
        ("key_statements", json!(of_key)),
        ("key_policy", statements::policy(&lists::of_new_key_policy(params))),
        ("bucket_statements", json!(of_bucket)),
        ("bucket_policy", statements::policy(&of_bucket)),
        ("bucket_encryption", statements::bucket_encryption(params)),
        ("new_bucket_encryption", statements::new_bucket_encryption(params)),
    ];
    if params.mode == Mode::AssumeRole {
        let trust = statements::trust_statement(params);
        documents.push(("trust_statements", json!([trust])));
        documents.push(("trust_policy", statements::policy(&[trust])));
        documents.push(("role_permissions", statements::policy(&lists::of_role(params))));
    }
    documents
}

/// A document as the text of a here-document, with shell variables as placeholders.
fn printed(value: &Value, depth: usize, params: &TemplateParams, placeholders: &Placeholders) -> String {
    let inner = "  ".repeat(depth + 1);
    let end = "  ".repeat(depth);
    match value {
        Value::String(text) => match placeholders.of_text(text) {
            Some(Placeholder::Bucket) => "\"$bucket_arn\"".to_owned(),
            Some(Placeholder::Objects) => format!("\"$bucket_arn/{}", &literal(&json!(params.keys()))[1..]),
            Some(Placeholder::Key) => "\"$key_arn\"".to_owned(),
            Some(Placeholder::ClientRole) => "\"$role_arn\"".to_owned(),
            Some(Placeholder::Root) => "\"arn:$partition:iam::$account:root\"".to_owned(),
            Some(Placeholder::ExternalIds) => literal(&statements::external_ids(params)),
            Some(Placeholder::VendorRole | Placeholder::Keys) | None => literal(value),
        },
        Value::Array(items) if !items.is_empty() => {
            let items: Vec<String> = items
                .iter()
                .map(|item| inner.clone() + &printed(item, depth + 1, params, placeholders))
                .collect();
            format!("[\n{}\n{end}]", items.join(",\n"))
        }
        Value::Object(members) if !members.is_empty() => {
            let members: Vec<String> = members
                .iter()
                .map(|(name, member)| {
                    format!(
                        "{inner}{}: {}",
                        literal(&json!(name)),
                        printed(member, depth + 1, params, placeholders)
                    )
                })
                .collect();
            format!("{{\n{}\n{end}}}", members.join(",\n"))
        }
        other => literal(other),
    }
}

/// JSON, with the characters escaped that a here-document would expand.
fn literal(value: &Value) -> String {
    let mut escaped = String::new();
    for character in value.to_string().chars() {
        if matches!(character, '\\' | '$' | '`') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

/// A quoted shell word without special characters. Shell variables cannot hold a zero byte.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\0', "").replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::partition::Partition;
    use crate::domain::templates::samples::{PARTIES, rotating, typed, untyped};

    /// The tenant's part of the script.
    fn own(params: &TemplateParams) -> String {
        script(params, PARTIES).strip_suffix(include_str!("cli.sh")).unwrap().to_owned()
    }

    #[test]
    fn untyped_script() {
        insta::assert_snapshot!(own(&untyped(Partition::IsoE, Mode::AssumeRole)));
    }

    #[test]
    fn rotating_script_of_the_direct_mode() {
        let params = TemplateParams {
            posture: true,
            ..rotating(typed(Partition::China, Mode::Direct))
        };
        insta::assert_snapshot!(own(&params));
    }
}
