//! A `CloudFormation` template for the vendor's account.

use serde_json::{Map, Value, json};

use super::{POLICY_NAME, Role};
use crate::domain::templates::yaml;

pub(super) fn template(roles: &[Role]) -> String {
    let resources: Map<String, Value> = roles.iter().map(resource).collect();
    yaml::document(&json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Latchkey's roles in the vendor's account. Requires the capability CAPABILITY_NAMED_IAM.",
        "Resources": resources,
    }))
}

fn resource(role: &Role) -> (String, Value) {
    let name = role.arn.name();
    let Some(trust) = role.trust else {
        let properties = json!({"PolicyName": POLICY_NAME, "PolicyDocument": role.permissions, "Roles": [name]});
        return (
            "ProcessPermissions".into(),
            json!({"Type": "AWS::IAM::Policy", "Properties": properties}),
        );
    };
    let id = if role.label == "storage" {
        "StorageRole"
    } else {
        "CustomerFacingRole"
    };
    let properties = json!({
        "RoleName": name,
        "Path": role.arn.path(),
        "AssumeRolePolicyDocument": trust,
        "Policies": [{"PolicyName": POLICY_NAME, "PolicyDocument": role.permissions}],
    });
    (id.into(), json!({"Type": "AWS::IAM::Role", "Properties": properties}))
}
