//! The vendor's own documents: trust policies and permissions of its two roles, and the permissions of the process.
//!
//! Like the customers' documents, they are exact: nothing that Latchkey does not call is allowed, and only Latchkey's process can
//! use the roles. No statement gives access to the vendor's own account.

mod cli;
mod cloudformation;
mod terraform;

use serde::Serialize;
use serde_json::{Value, json};
use strum::Display;

use super::format::{TemplateFile, TemplateFormat};
use super::statements::{self, Permission, TAG, policy};
use crate::domain::access_level::AccessLevel;
use crate::domain::arn::RoleArn;
use crate::domain::vendor::Vendor;

/// The name of each inline policy.
const POLICY_NAME: &str = "latchkey";

/// What the documents are made from.
#[derive(Debug, Clone, Copy)]
pub struct VendorParams<'a> {
    pub vendor: &'a Vendor,
    /// The role that the Latchkey process runs as.
    pub process: &'a RoleArn,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Display, Serialize)]
#[strum(serialize_all = "kebab-case")]
#[serde(rename_all = "kebab-case")]
pub enum VendorDocumentName {
    StorageRoleTrust,
    StorageRolePermissions,
    DirectRoleTrust,
    DirectRolePermissions,
    ProcessPermissions,
}

/// One policy, and the role that it belongs to.
#[derive(Debug, Clone, Serialize)]
pub struct VendorDocument {
    pub document: VendorDocumentName,
    pub title: &'static str,
    pub role: RoleArn,
    /// Where to apply it in the AWS console.
    pub apply_to: String,
    pub body: Value,
}

/// The file formats are for one account.
#[derive(Debug, thiserror::Error)]
#[error("the roles are in several accounts ({0}), but a file covers only one; use the format json, and apply each document in its account")]
pub struct SeveralAccounts(String);

/// Every document of the enabled modes, in the order in which to apply them. AWS rejects a trust policy that names a role that
/// does not exist, so the role of the process comes first.
pub fn documents(params: VendorParams) -> Vec<VendorDocument> {
    let VendorParams { vendor, process } = params;
    let mut documents = Vec::new();
    let mut add = |document, title, role: &RoleArn, place: &str, statements: &[Value]| {
        documents.push(VendorDocument {
            document,
            title,
            role: role.clone(),
            apply_to: format!("IAM in the account {}, role {}, {place}", role.account(), role.name()),
            body: policy(statements),
        });
    };
    if let Some(role) = &vendor.storage_role {
        add(
            VendorDocumentName::StorageRoleTrust,
            "Trust policy of the storage role",
            role,
            "Trust relationships",
            &[process_assumes(process)],
        );
        add(
            VendorDocumentName::StorageRolePermissions,
            "Permissions of the storage role",
            role,
            "Permissions, inline policy",
            &assume_customer_roles(vendor),
        );
    }
    if let Some(role) = &vendor.direct_role {
        add(
            VendorDocumentName::DirectRoleTrust,
            "Trust policy of the customer-facing role",
            role,
            "Trust relationships",
            &[process_assumes(process), process_tags(process)],
        );
        add(
            VendorDocumentName::DirectRolePermissions,
            "Permissions of the customer-facing role",
            role,
            "Permissions, inline policy",
            &direct_role_permissions(vendor),
        );
    }
    add(
        VendorDocumentName::ProcessPermissions,
        "Permissions of the process",
        process,
        "Permissions, inline policy",
        &process_permissions(vendor),
    );
    documents
}

/// One file with all documents. None for `json`.
///
/// # Errors
/// When the roles are in several accounts.
pub fn file(format: TemplateFormat, params: VendorParams) -> Result<Option<TemplateFile>, SeveralAccounts> {
    let documents = documents(params);
    let (extension, media_type, write): (_, _, fn(&[Role]) -> String) = match format {
        TemplateFormat::Json => return Ok(None),
        TemplateFormat::Cloudformation => ("yaml", "application/yaml", cloudformation::template),
        TemplateFormat::Terraform => ("tf", "text/plain", terraform::configuration),
        TemplateFormat::Cli => ("sh", "text/x-shellscript", cli::script),
    };
    let mut accounts: Vec<&str> = documents.iter().map(|document| document.role.account().as_str()).collect();
    accounts.sort_unstable();
    accounts.dedup();
    if accounts.len() > 1 {
        return Err(SeveralAccounts(accounts.join(", ")));
    }
    Ok(Some(TemplateFile {
        extension,
        media_type,
        text: write(&roles(&documents)),
    }))
}

/// A role with its policies. The role of the process exists already, and only gets permissions.
struct Role<'a> {
    /// Its name in the files.
    label: &'static str,
    arn: &'a RoleArn,
    trust: Option<&'a Value>,
    permissions: &'a Value,
}

fn roles(documents: &[VendorDocument]) -> Vec<Role<'_>> {
    let find = |name| documents.iter().find(|document| document.document == name);
    [
        (
            "storage",
            Some(VendorDocumentName::StorageRoleTrust),
            VendorDocumentName::StorageRolePermissions,
        ),
        (
            "direct",
            Some(VendorDocumentName::DirectRoleTrust),
            VendorDocumentName::DirectRolePermissions,
        ),
        ("process", None, VendorDocumentName::ProcessPermissions),
    ]
    .into_iter()
    .filter_map(|(label, trust, permissions)| {
        let permissions = find(permissions)?;
        Some(Role {
            label,
            arn: &permissions.role,
            trust: trust.and_then(find).map(|document| &document.body),
            permissions: &permissions.body,
        })
    })
    .collect()
}

fn process_assumes(process: &RoleArn) -> Value {
    json!({
        "Sid": "LatchkeyProcess",
        "Effect": "Allow",
        "Principal": {"AWS": process},
        "Action": "sts:AssumeRole",
    })
}

/// The tag says which tenant a session is for, so only Latchkey may set it, and no other tag with it.
fn process_tags(process: &RoleArn) -> Value {
    json!({
        "Sid": "LatchkeyTenantTag",
        "Effect": "Allow",
        "Principal": {"AWS": process},
        "Action": "sts:TagSession",
        "Condition": {
            "StringLike": {format!("aws:RequestTag/{TAG}"): "lk-*"},
            "ForAllValues:StringEquals": {"aws:TagKeys": [TAG]},
        },
    })
}

fn process_permissions(vendor: &Vendor) -> Vec<Value> {
    let storage = vendor.storage_role.iter().map(|role| {
        json!({
            "Sid": "LatchkeyStorageRole",
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Resource": role,
        })
    });
    let direct = vendor.direct_role.iter().map(|role| {
        json!({
            "Sid": "LatchkeyDirectRole",
            "Effect": "Allow",
            "Action": ["sts:AssumeRole", "sts:TagSession"],
            "Resource": role,
        })
    });
    // To tell whether these permissions or the customer's trust policy deny a role.
    let simulation = vendor.storage_role.iter().map(|role| {
        let roles: Vec<_> = [role].into_iter().chain(&vendor.direct_role).collect();
        json!({
            "Sid": "LatchkeySimulation",
            "Effect": "Allow",
            "Action": "iam:SimulatePrincipalPolicy",
            "Resource": one_or_all(&roles),
        })
    });
    storage.chain(direct).chain(simulation).collect()
}

/// A role's ARN has its account, so a Deny by ARN keeps the role out of the vendor's own account.
fn assume_customer_roles(vendor: &Vendor) -> Vec<Value> {
    let partition = vendor.partition();
    let prefix = vendor.client_role_prefix.as_ref().map_or("", |prefix| prefix.as_str());
    let mut statements = vec![json!({
        "Sid": "LatchkeyCustomerRoles",
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Resource": format!("arn:{partition}:iam::*:role/{prefix}*"),
    })];
    if !vendor.allow_own_account {
        let own: Vec<String> = vendor
            .accounts()
            .into_iter()
            .map(|account| format!("arn:{partition}:iam::{account}:role/*"))
            .collect();
        statements.push(json!({
            "Sid": "LatchkeyNotOwnAccount",
            "Effect": "Deny",
            "Action": "sts:AssumeRole",
            "Resource": one_or_all(&own),
        }));
    }
    statements
}

/// A verification must see that the *customer's* role denies the other role of the vendor's.
fn customer_roles(vendor: &Vendor) -> Vec<Value> {
    if vendor.storage_role.is_some() {
        assume_customer_roles(vendor)
    } else {
        Vec::new()
    }
}

/// The actions of the customers' policies, on any bucket and key but the vendor's own. The tenant's tag is not a condition here:
/// a verification must see that the *customer's* policy denies a session without the tag.
fn direct_role_permissions(vendor: &Vendor) -> Vec<Value> {
    let partition = vendor.partition();
    let level = vendor.most_access();
    let posture = (vendor.posture || level == AccessLevel::ReadWrite).then_some(Permission::Posture);
    let bucket = vendor.extra.of_statement(Permission::Bucket, level).next();
    [Permission::Objects, Permission::List, Permission::Key]
        .into_iter()
        .chain(posture)
        .chain(bucket.map(|_| Permission::Bucket))
        .map(|permission| {
            let resource = match permission {
                Permission::Objects => format!("arn:{partition}:s3:::*/*"),
                Permission::List | Permission::Posture | Permission::Bucket => format!("arn:{partition}:s3:::*"),
                Permission::Key => format!("arn:{partition}:kms:*:*:key/*"),
            };
            let actions = statements::actions_of(permission, level, statements::posture_actions(vendor.posture), &vendor.extra);
            let mut statement = json!({
                "Sid": permission.sid(),
                "Effect": "Allow",
                "Action": actions,
                "Resource": resource,
            });
            if !vendor.allow_own_account {
                statement["Condition"] = json!({"StringNotEquals": {"aws:ResourceAccount": one_or_all(&vendor.accounts())}});
            }
            statement
        })
        .chain(customer_roles(vendor))
        .collect()
}

fn one_or_all<T: Serialize>(items: &[T]) -> Value {
    match items {
        [one] => json!(one),
        all => json!(all),
    }
}

#[cfg(test)]
mod tests {
    use strum::IntoEnumIterator;

    use super::*;
    use crate::domain::partition::Partition;
    use crate::domain::storage_config::Mode;
    use crate::domain::templates::samples;

    fn role(text: &str) -> RoleArn {
        RoleArn::parse(text).unwrap()
    }

    fn vendor() -> Vendor {
        Vendor {
            storage_role: Some(role("arn:aws:iam::111111111111:role/latchkey-storage")),
            direct_role: Some(role("arn:aws:iam::111111111111:role/latchkey-direct")),
            ..Vendor::unnamed()
        }
    }

    /// Of the documentation: without `LATCHKEY_POSTURE` and a prefix.
    #[test]
    fn the_documentation_shows_the_issued_documents() {
        let page = include_str!("../../../../docs/operators/aws-setup.md");
        let process = role("arn:aws:iam::111111111111:role/latchkey");
        for document in documents(VendorParams {
            vendor: &vendor(),
            process: &process,
        }) {
            let block = format!("```json\n{:#}\n```", document.body);
            assert!(
                page.contains(&block),
                "docs/operators/aws-setup.md lacks {}:\n{block}",
                document.document
            );
        }
    }

    #[test]
    fn the_vendors_own_account_is_reachable_only_if_it_is_allowed() {
        let process = role("arn:aws:iam::111111111111:role/latchkey");
        let denies = |vendor: &Vendor| {
            let documents = documents(VendorParams { vendor, process: &process });
            serde_json::to_string(&documents).unwrap().matches("aws:ResourceAccount").count()
                + serde_json::to_string(&documents).unwrap().matches("LatchkeyNotOwnAccount").count()
        };
        assert_eq!(denies(&vendor()), 6);
        let for_tests = Vendor {
            allow_own_account: true,
            ..vendor()
        };
        assert_eq!(denies(&for_tests), 0);
    }

    #[test]
    fn settings_narrow_and_widen_the_documents() {
        let process = role("arn:aws-us-gov:iam::111111111111:role/latchkey");
        let vendor = Vendor {
            storage_role: Some(role("arn:aws-us-gov:iam::111111111111:role/storage")),
            direct_role: Some(role("arn:aws-us-gov:iam::333333333333:role/direct")),
            client_role_prefix: Some("vendor-".parse().unwrap()),
            posture: true,
            extra: samples::asking(samples::untyped(Partition::Aws, Mode::Direct)).extra,
            ..Vendor::unnamed()
        };
        let params = VendorParams {
            vendor: &vendor,
            process: &process,
        };
        let text = serde_json::to_string(&documents(params)).unwrap();
        assert!(text.contains(r#""Resource":"arn:aws-us-gov:iam::*:role/vendor-*""#), "{text}");
        for asked in [
            "s3:PutObjectTagging",
            "s3:ListBucketVersions",
            "s3:PutBucketNotification",
            "kms:GetKeyRotationStatus",
        ] {
            assert!(text.contains(asked), "{asked}: {text}");
        }
        assert!(text.contains("s3:GetBucketLogging") && !text.contains("arn:aws:"), "{text}");
        assert!(text.contains(r#""aws:ResourceAccount":["111111111111","333333333333"]"#), "{text}");
        let several = file(TemplateFormat::Cli, params).unwrap_err().to_string();
        assert!(several.contains("111111111111, 333333333333"), "{several}");

        let one_mode = Vendor {
            direct_role: None,
            ..vendor.clone()
        };
        let names: Vec<String> = documents(VendorParams {
            vendor: &one_mode,
            process: &process,
        })
        .iter()
        .map(|document| document.document.to_string())
        .collect();
        assert_eq!(names, ["storage-role-trust", "storage-role-permissions", "process-permissions"]);
    }

    /// Each format has the same policies.
    #[test]
    fn every_format_has_every_policy() {
        let process = role("arn:aws:iam::111111111111:role/team/latchkey");
        let vendor = vendor();
        let params = VendorParams {
            vendor: &vendor,
            process: &process,
        };
        let expected: Vec<Value> = documents(params).into_iter().map(|document| document.body).collect();
        for format in TemplateFormat::iter() {
            let Some(file) = file(format, params).unwrap() else { continue };
            let mut found = match format {
                TemplateFormat::Json => unreachable!("it is not a file"),
                TemplateFormat::Cloudformation => {
                    let read: Value = yaml_serde::from_str(&file.text).unwrap();
                    policies_in(&read)
                }
                TemplateFormat::Terraform => {
                    let body: hcl::Body = hcl::from_str(&file.text).unwrap();
                    of_calls(&body).iter().map(plain).collect()
                }
                TemplateFormat::Cli => file
                    .text
                    .split("<<'DOCUMENT'\n")
                    .skip(1)
                    .map(|rest| serde_json::from_str(rest.split("\nDOCUMENT\n").next().unwrap()).unwrap())
                    .collect(),
            };
            for policy in &expected {
                let at = found.iter().position(|other| other == policy);
                found.remove(at.unwrap_or_else(|| panic!("{format}: {policy:#}")));
            }
            assert_eq!(found, Vec::<Value>::new(), "{format}");
        }
    }

    fn policies_in(value: &Value) -> Vec<Value> {
        match value {
            Value::Object(members) if members.contains_key("Statement") => vec![value.clone()],
            Value::Object(members) => members.values().flat_map(policies_in).collect(),
            Value::Array(items) => items.iter().flat_map(policies_in).collect(),
            _ => Vec::new(),
        }
    }

    fn plain(expression: &hcl::Expression) -> Value {
        match expression {
            hcl::Expression::String(text) => json!(text),
            hcl::Expression::Array(items) => items.iter().map(plain).collect(),
            hcl::Expression::Object(members) => {
                let key = |key: &hcl::ObjectKey| match key {
                    hcl::ObjectKey::Expression(hcl::Expression::String(text)) => text.clone(),
                    other => other.to_string(),
                };
                members.iter().map(|(name, member)| (key(name), plain(member))).collect()
            }
            other => panic!("{other:?} is not of a policy"),
        }
    }

    /// The arguments of `jsonencode`.
    fn of_calls(body: &hcl::Body) -> Vec<hcl::Expression> {
        let attributes = body.blocks().flat_map(|block| block.body().attributes());
        attributes
            .filter_map(|attribute| match attribute.expr() {
                hcl::Expression::FuncCall(call) => call.args.first().cloned(),
                _ => None,
            })
            .collect()
    }
}
