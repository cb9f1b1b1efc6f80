//! One CloudFormation template for every tenant and both modes. A tenant's values are the defaults of its parameters, so the
//! vendor can host one file, and a link can fill in the parameters.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use super::placeholders::{Placeholder, Placeholders, is_account_regional};
use super::statements::{self, Permission};
use super::{Parties, TemplateParams, network, sid, yaml};
use crate::domain::access_level::AccessLevel;
use crate::domain::arn::{BucketName, KeyArn, PolicyArn, RoleName};
use crate::domain::fix::FixDocument;
use crate::domain::key_prefix::StoragePrefix;
use crate::domain::storage_config::Mode;

/// The stack name that the link suggests.
const STACK: &str = "latchkey";
/// The characters that a URL does not have to encode.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The template, with the tenant's values as the defaults of its parameters.
pub fn template(params: &TemplateParams, parties: Parties) -> String {
    yaml::document(&json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": description(parties),
        "Metadata": metadata(params),
        "Parameters": parameters(params),
        "Conditions": conditions(),
        "Resources": resources(params),
        "Outputs": outputs(),
    }))
}

/// The link that opens the console with the hosted template and every parameter filled in.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cfn-console-create-stacks-quick-create-links.html>
pub fn quick_create_link(hosted: &str, params: &TemplateParams) -> String {
    let encoded = |text: &str| utf8_percent_encode(text, UNRESERVED).to_string();
    let region = params.key.as_ref().map(|key| key.region().as_str());
    let host = params.partition.console_host();
    let (host, query) = region.map_or_else(
        || (host.to_owned(), String::new()),
        |region| (format!("{region}.{host}"), format!("?region={region}")),
    );
    let mut link = format!(
        "https://{host}/cloudformation/home{query}#/stacks/create/review?templateURL={}&stackName={STACK}",
        encoded(hosted)
    );
    for (name, value) in defaults(params) {
        if let Some(value) = value {
            link = link + "&param_" + name + "=" + &encoded(&value);
        }
    }
    link
}

/// The known value of each parameter. The customer enters the others.
fn defaults(params: &TemplateParams) -> Vec<(&'static str, Option<String>)> {
    let ids: Vec<&str> = params
        .external_ids
        .iter()
        .map(crate::domain::external_id::ExternalId::as_str)
        .collect();
    let bucket = params.bucket.as_ref().map(BucketName::as_str);
    // The mode direct has no role to name.
    let no_role = (params.mode == Mode::Direct).then(String::new);
    vec![
        ("Mode", Some(params.mode.to_string())),
        ("VendorRoleArn", Some(params.vendor_role.to_string())),
        ("ExternalIds", Some(ids.join(","))),
        (
            "SidSuffix",
            Some(params.sid_suffix.map(|suffix| suffix.to_string()).unwrap_or_default()),
        ),
        ("RoleName", params.role_name.as_ref().map(RoleName::to_string).or(no_role)),
        ("RolePath", Some(params.creation.role_path.to_string())),
        (
            "PermissionsBoundary",
            Some(
                params
                    .creation
                    .permissions_boundary
                    .as_ref()
                    .map(PolicyArn::to_string)
                    .unwrap_or_default(),
            ),
        ),
        ("BucketName", bucket.map(str::to_owned)),
        ("BucketIs", Some("new".to_owned())),
        (
            "BucketNamespace",
            Some(
                if bucket.is_some_and(is_account_regional) {
                    "account-regional"
                } else {
                    "global"
                }
                .to_owned(),
            ),
        ),
        ("LogBucket", Some(String::new())),
        ("KeyArn", Some(params.key.as_ref().map(KeyArn::to_string).unwrap_or_default())),
        ("Posture", Some(params.posture.to_string())),
        (
            "Prefix",
            Some(params.prefix.as_ref().map(StoragePrefix::to_string).unwrap_or_default()),
        ),
        ("Access", Some(params.level.to_string())),
    ]
}

fn parameters(params: &TemplateParams) -> Value {
    let mut parameters = Map::new();
    for (name, default) in defaults(params) {
        let mut parameter = declared(name);
        if let Some(default) = default {
            parameter["Default"] = json!(default);
        }
        parameters.insert(name.to_owned(), parameter);
    }
    Value::Object(parameters)
}

fn declared(name: &str) -> Value {
    match name {
        "Mode" => json!({
            "Type": "String",
            "AllowedValues": ["assume_role", "direct"],
            "Description": "assume_role: the vendor assumes a role that this stack creates. direct: the policies name the vendor's role.",
        }),
        "VendorRoleArn" => json!({
            "Type": "String",
            "AllowedPattern": "arn:aws[a-z-]*:iam::[0-9]{12}:role/.+",
            "Description": "The vendor's role, as issued. Do not change it.",
        }),
        "ExternalIds" => json!({
            "Type": "CommaDelimitedList",
            "Description": "The external ID, as issued. Do not change it.",
        }),
        "SidSuffix" => json!({
            "Type": "String",
            "AllowedPattern": "([0-9a-f]{8})?",
            "Description": "The end of the Sid of each statement, as issued. Do not change it.",
        }),
        "RoleName" => json!({
            "Type": "String",
            "AllowedPattern": "[A-Za-z0-9+=,.@_-]{0,64}",
            "Description": "In the mode assume_role: the name of the role to create.",
        }),
        "RolePath" => json!({
            "Type": "String",
            "AllowedPattern": "/|/[!-)+-~]{1,510}/",
            "Description": "In the mode assume_role: the path of the role to create, such as /vendors/.",
        }),
        "PermissionsBoundary" => json!({
            "Type": "String",
            "AllowedPattern": "|arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/.+",
            "Description": "In the mode assume_role: the policy that limits what the role can be granted. It must allow what the role's permissions do. \
                            Empty: none.",
        }),
        "BucketName" => json!({
            "Type": "String",
            "AllowedPattern": "[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
            "Description": "The name of the bucket. Create the stack in the bucket's region.",
        }),
        "BucketIs" => json!({
            "Type": "String",
            "AllowedValues": ["new", "existing-without-policy", "existing-with-policy"],
            "Description": "new: the stack creates the bucket. existing-without-policy: the stack sets its policy. existing-with-policy: the stack does \
                            not change the bucket; add the statements of the issued bucket policy to its policy. Set the default encryption of an \
                            existing bucket yourself.",
        }),
        "BucketNamespace" => json!({
            "Type": "String",
            "AllowedValues": ["global", "account-regional"],
            "Description": "The namespace of a new bucket: account-regional for a name that ends in -ACCOUNT-REGION-an, otherwise global.",
        }),
        "LogBucket" => json!({
            "Type": "String",
            "Description": "The bucket that receives the access logs of a new bucket. Its default encryption must not be a KMS key. Empty: no access logs.",
        }),
        "KeyArn" => json!({
            "Type": "String",
            "AllowedPattern": "|arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[a-z0-9-]+",
            "Description": "An existing key in this region. CloudFormation cannot change its policy, so add the issued statement yourself. Empty: the stack \
                            creates a key.",
        }),
        "Prefix" => json!({
            "Type": "String",
            "AllowedPattern": "([^/*?$\"\\\\]+/)*",
            "Description": "The prefix of the keys of all documents, which ends with a slash. Empty: the whole bucket.",
        }),
        "Access" => json!({
            "Type": "String",
            "AllowedValues": ["read_write", "read"],
            "Description": "What the vendor may do with the documents, as issued. Do not change it.",
        }),
        _ => json!({
            "Type": "String",
            "AllowedValues": ["true", "false"],
            "Description": "Whether the vendor may read the bucket's settings for public access, ACLs and access logs.",
        }),
    }
}

fn description(parties: Parties) -> String {
    // The limit of CloudFormation is 1,024 bytes.
    let mut description = parties.title();
    let mut end = description.len().min(1000);
    while !description.is_char_boundary(end) {
        end -= 1;
    }
    description.truncate(end);
    description
}

fn metadata(params: &TemplateParams) -> Value {
    let mut metadata = json!({"AWS::CloudFormation::Interface": interface()});
    if let Some(version) = params.version {
        metadata["Latchkey"] = json!({"DocumentVersion": version});
    }
    metadata
}

fn interface() -> Value {
    let group = |label: &str, parameters: &[&str]| json!({"Label": {"default": label}, "Parameters": parameters});
    json!({"ParameterGroups": [
        group(
            "Your values",
            &[
                "BucketIs",
                "BucketName",
                "BucketNamespace",
                "Prefix",
                "LogBucket",
                "KeyArn",
                "RoleName",
                "RolePath",
                "PermissionsBoundary",
            ],
        ),
        group("Issued by the vendor", &["Mode", "VendorRoleArn", "ExternalIds", "SidSuffix", "Access", "Posture"]),
    ]})
}

fn conditions() -> Value {
    let is = |parameter: &str, value: &str| json!({"Fn::Equals": [{"Ref": parameter}, value]});
    json!({
        "Direct": is("Mode", "direct"),
        "AssumeRole": {"Fn::Not": [{"Condition": "Direct"}]},
        "NamedRole": {"Fn::Not": [is("RoleName", "")]},
        "Bounded": {"Fn::Not": [is("PermissionsBoundary", "")]},
        "NewBucket": is("BucketIs", "new"),
        "WithBucketPolicy": {"Fn::Not": [is("BucketIs", "existing-with-policy")]},
        "AccountRegional": is("BucketNamespace", "account-regional"),
        "Logged": {"Fn::Not": [is("LogBucket", "")]},
        "NewKey": is("KeyArn", ""),
        "WithPosture": is("Posture", "true"),
        "WithPrefix": {"Fn::Not": [is("Prefix", "")]},
        "ReadOnly": is("Access", "read"),
    })
}

fn resources(params: &TemplateParams) -> Value {
    // Every optional part is there, under its condition.
    let whole = TemplateParams {
        posture: true,
        // A parameter.
        sid_suffix: None,
        prefix: Some(StoragePrefix::parse("prefix/").expect("it is well formed")),
        level: AccessLevel::ReadWrite,
        ..params.clone()
    };
    let direct = Placeholders::of(&whole, Mode::Direct);
    let assumed = Placeholders::of(&whole, Mode::AssumeRole);
    // The variants of a statement differ in its actions by access, and in its condition by prefix.
    let varied = |placeholders: &Placeholders, statement: &dyn Fn(&TemplateParams) -> Value| {
        let written = statement(&placeholders.params);
        let mut varied = expressed(&written, placeholders);
        let reading = statement(&TemplateParams {
            level: AccessLevel::Read,
            ..placeholders.params.clone()
        });
        // A statement that allows nothing to who only reads is left out as a whole.
        if reading["Action"] != written["Action"] && reading["Action"] != json!([]) {
            varied["Action"] = when("ReadOnly", &reading["Action"], &written["Action"]);
        }
        let unlimited = statement(&TemplateParams {
            prefix: None,
            ..placeholders.params.clone()
        });
        if unlimited.get("Condition") != written.get("Condition") {
            let otherwise = unlimited
                .get("Condition")
                .map_or_else(nothing, |other| expressed(other, placeholders));
            varied["Condition"] = when("WithPrefix", &varied["Condition"], &otherwise);
        }
        varied
    };
    let of_mode = |statement: &dyn Fn(&TemplateParams) -> Value| {
        let (direct, assumed) = (varied(&direct, statement), varied(&assumed, statement));
        when("Direct", &direct, &assumed)
    };
    let reads_nothing = params.extra.of_statement(Permission::Bucket, AccessLevel::Read).next().is_none();
    let optional = |permission: Permission, statement: Value, otherwise: &Value| match permission {
        Permission::Posture => when("WithPosture", &statement, otherwise),
        Permission::Bucket if reads_nothing => when("ReadOnly", &nothing(), &statement),
        _ => statement,
    };
    let without_posture = TemplateParams {
        posture: false,
        ..direct.params.clone()
    };
    let ownership = expressed(&statements::bucket_policy_statement(Permission::Posture, &without_posture), &direct);
    let ownership = when("Direct", &when("ReadOnly", &nothing(), &ownership), &nothing());
    let denying = |document: FixDocument, placeholders: &Placeholders| {
        let statement = network::statement(document, &placeholders.params)?;
        Some(expressed(&statement, placeholders))
    };
    let of_direct = |document| denying(document, &direct).map(|statement| when("Direct", &statement, &nothing()));
    let of_role: Vec<Value> = Permission::of_role(&assumed.params)
        .into_iter()
        .map(|permission| {
            optional(
                permission,
                varied(&assumed, &|params| statements::role_statement(permission, params)),
                &nothing(),
            )
        })
        .chain(denying(FixDocument::RolePermissions, &assumed))
        .collect();
    let of_bucket: Vec<Value> = Permission::of_bucket_policy(&whole)
        .into_iter()
        .map(|permission| {
            optional(
                permission,
                of_mode(&|params| statements::bucket_policy_statement(permission, params)),
                &ownership,
            )
        })
        .chain(of_direct(FixDocument::BucketPolicy))
        .collect();
    let of_key: Vec<Value> = [
        expressed(&statements::key_administration_statement(&assumed.params), &assumed),
        of_mode(&statements::key_policy_statement),
    ]
    .into_iter()
    .chain(of_direct(FixDocument::KeyPolicy))
    .collect();
    let mut resources = json!({
        "Role": {
            "Type": "AWS::IAM::Role",
            "Condition": "AssumeRole",
            "Properties": {
                "RoleName": when("NamedRole", &json!({"Ref": "RoleName"}), &nothing()),
                "Path": {"Ref": "RolePath"},
                "PermissionsBoundary": when("Bounded", &json!({"Ref": "PermissionsBoundary"}), &nothing()),
                "AssumeRolePolicyDocument": statements::policy(&[expressed(&statements::trust_statement(&assumed.params), &assumed)]),
            },
        },
        "RolePermissions": {
            "Type": "AWS::IAM::Policy",
            "Condition": "AssumeRole",
            "Properties": {
                "PolicyName": "latchkey",
                "Roles": [{"Ref": "Role"}],
                "PolicyDocument": statements::policy(&of_role),
            },
        },
        "Key": {
            "Type": "AWS::KMS::Key",
            "Condition": "NewKey",
            "DeletionPolicy": "Retain",
            "UpdateReplacePolicy": "Retain",
            "Properties": {
                "Description": {"Fn::Sub": "Documents in ${BucketName}"},
                "EnableKeyRotation": true,
                "KeyPolicy": statements::policy(&of_key),
            },
        },
        "Bucket": {
            "Type": "AWS::S3::Bucket",
            "Condition": "NewBucket",
            "DeletionPolicy": "Retain",
            "UpdateReplacePolicy": "Retain",
            "Properties": {
                "BucketName": {"Ref": "BucketName"},
                "BucketNamespace": when("AccountRegional", &json!("account-regional"), &nothing()),
                "BucketEncryption": {"ServerSideEncryptionConfiguration": [{
                    "ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key()},
                    "BucketKeyEnabled": true,
                    "BlockedEncryptionTypes": {"EncryptionType": [statements::BLOCKED_ENCRYPTION]},
                }]},
                "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
                "PublicAccessBlockConfiguration": {
                    "BlockPublicAcls": true, "BlockPublicPolicy": true, "IgnorePublicAcls": true, "RestrictPublicBuckets": true,
                },
                "LoggingConfiguration": when(
                    "Logged",
                    &json!({"DestinationBucketName": {"Ref": "LogBucket"}, "LogFilePrefix": {"Fn::Sub": "${BucketName}/"}}),
                    &nothing(),
                ),
            },
        },
        "BucketPolicy": {
            "Type": "AWS::S3::BucketPolicy",
            "Condition": "WithBucketPolicy",
            "Properties": {
                "Bucket": when("NewBucket", &json!({"Ref": "Bucket"}), &json!({"Ref": "BucketName"})),
                "PolicyDocument": statements::policy(&of_bucket),
            },
        },
    });
    let tags: Vec<Value> = params
        .creation
        .tags
        .iter()
        .map(|(key, value)| json!({"Key": key, "Value": value}))
        .collect();
    if !tags.is_empty() {
        // Not a parameter: no function makes a list of tags of a text.
        for resource in ["Role", "Key", "Bucket"] {
            resources[resource]["Properties"]["Tags"] = json!(tags);
        }
    }
    resources
}

/// Exactly the fields of the form.
fn outputs() -> Value {
    json!({
        "BucketArn": {"Description": "Bucket ARN", "Value": bucket("")},
        "BucketRegion": {"Description": "Bucket region", "Value": {"Ref": "AWS::Region"}},
        "KeyArn": {"Description": "Key ARN", "Value": key()},
        "RoleArn": {"Condition": "AssumeRole", "Description": "Role ARN", "Value": {"Fn::GetAtt": ["Role", "Arn"]}},
    })
}

/// The statement, with CloudFormation expressions in place of placeholders.
fn expressed(value: &Value, placeholders: &Placeholders) -> Value {
    match value {
        Value::String(text) => match placeholders.of_text(text) {
            None => value.clone(),
            Some(Placeholder::Bucket) => bucket(""),
            Some(Placeholder::Objects) => bucket("/${Prefix}*"),
            Some(Placeholder::Keys) => json!({"Fn::Sub": "${Prefix}*"}),
            Some(Placeholder::Key) => key(),
            // The attribute makes every policy that names the role wait for the role.
            Some(Placeholder::ClientRole) => json!({"Fn::GetAtt": ["Role", "Arn"]}),
            Some(Placeholder::VendorRole) => json!({"Ref": "VendorRoleArn"}),
            Some(Placeholder::ExternalIds) => json!({"Ref": "ExternalIds"}),
            Some(Placeholder::Root) => json!({"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}),
        },
        Value::Array(items) => items.iter().map(|item| expressed(item, placeholders)).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(name, member)| {
                let own_sid = member.as_str().filter(|sid| name == "Sid" && sid::is_issued(sid));
                let member = own_sid.map_or_else(
                    || expressed(member, placeholders),
                    |sid| json!({"Fn::Sub": format!("{sid}${{SidSuffix}}")}),
                );
                (name.clone(), member)
            })
            .collect::<Map<_, _>>()
            .into(),
        _ => value.clone(),
    }
}

fn bucket(path: &str) -> Value {
    json!({"Fn::Sub": format!("arn:${{AWS::Partition}}:s3:::${{BucketName}}{path}")})
}

fn key() -> Value {
    when("NewKey", &json!({"Fn::GetAtt": ["Key", "Arn"]}), &json!({"Ref": "KeyArn"}))
}

fn when(condition: &str, yes: &Value, no: &Value) -> Value {
    json!({"Fn::If": [condition, yes, no]})
}

fn nothing() -> Value {
    json!({"Ref": "AWS::NoValue"})
}

#[cfg(test)]
mod tests {
    use strum::IntoEnumIterator;

    use super::*;
    use crate::domain::partition::Partition;
    use crate::domain::templates::samples::{PARTIES, required, rotating, typed, untyped, with_new_key};

    #[test]
    fn untyped_template() {
        insta::assert_snapshot!(template(&untyped(Partition::UsGov, Mode::AssumeRole), PARTIES));
    }

    #[test]
    fn modes_partitions_and_entries_only_change_defaults() {
        let of = |params: &TemplateParams| {
            let mut read: Value = yaml_serde::from_str(&template(params, PARTIES)).unwrap();
            for (_, parameter) in read["Parameters"].as_object_mut().unwrap() {
                parameter.as_object_mut().unwrap().shift_remove("Default");
            }
            read
        };
        let one = of(&untyped(Partition::Aws, Mode::AssumeRole));
        for partition in Partition::iter() {
            let posture = TemplateParams {
                posture: true,
                ..typed(partition, Mode::Direct)
            };
            assert_eq!(of(&posture), one);
            assert_eq!(of(&rotating(typed(partition, Mode::AssumeRole))), one);
        }
    }

    #[test]
    fn the_link_is_of_the_partitions_console_and_fills_in_every_parameter() {
        let link = |partition| {
            quick_create_link(
                "https://t.s3.amazonaws.com/latchkey.yaml?versionId=a&b",
                &rotating(typed(partition, Mode::AssumeRole)),
            )
        };
        insta::assert_snapshot!(link(Partition::UsGov).replace('&', "\n&"));
        let hosts: Vec<String> = Partition::iter()
            .map(|partition| link(partition).split('#').next().unwrap().to_owned())
            .collect();
        insta::assert_snapshot!(hosts.join("\n"));
    }

    #[test]
    fn missing_values_are_not_in_the_link() {
        let link = quick_create_link("https://b.s3.amazonaws.com/t", &untyped(Partition::Aws, Mode::AssumeRole));
        assert!(
            link.starts_with("https://console.aws.amazon.com/cloudformation/home#/stacks/create/review?"),
            "{link}"
        );
        assert!(!link.contains("BucketName=") && !link.contains("RoleName="), "{link}");
        assert!(link.contains("&param_KeyArn=&"), "{link}");
    }

    #[test]
    fn what_an_organization_requires_is_in_the_template() {
        let params = required(with_new_key(Partition::Aws, Mode::AssumeRole));
        let read: Value = yaml_serde::from_str(&template(&params, PARTIES)).unwrap();
        let default = |name: &str| read["Parameters"][name]["Default"].clone();
        assert_eq!(default("RolePath"), "/vendors/");
        assert_eq!(default("PermissionsBoundary"), "arn:aws:iam::222222222222:policy/security/boundary");
        let tags = json!([{"Key": "Team", "Value": "Records"}, {"Key": "Cost center", "Value": "4711 = EU"}]);
        for resource in ["Role", "Key", "Bucket"] {
            assert_eq!(read["Resources"][resource]["Properties"]["Tags"], tags, "{resource}");
        }
    }

    #[test]
    fn an_account_regional_bucket_is_declared_as_such() {
        let bucket = Some(BucketName::parse("docs-222222222222-eu-central-1-an").unwrap());
        let params = TemplateParams {
            bucket,
            ..typed(Partition::Aws, Mode::Direct)
        };
        let read: Value = yaml_serde::from_str(&template(&params, PARTIES)).unwrap();
        assert_eq!(read["Parameters"]["BucketNamespace"]["Default"], "account-regional");
    }
}
