//! The statements that deny the vendor access from outside of its own network, so that its credentials are useless to anyone who
//! steals them. <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_data-perimeters.html>

use serde_json::{Value, json};

use super::TemplateParams;
use super::statements::{TAG, external_ids};
use crate::domain::fix::FixDocument;
use crate::domain::storage_config::Mode;

/// Without the end that makes it a tenant's.
pub const NETWORK_SID: &str = "LatchkeyNetwork";

/// A document's statement. None if the vendor names no network, or if the statement is in another document: in `assume_role` the
/// permissions of the customer's role. It is about the tenant's storage only, since others may use the role, too.
pub fn statement(document: FixDocument, params: &TemplateParams) -> Option<Value> {
    let network = params.network.as_ref()?;
    let denied = match (document, params.mode) {
        (FixDocument::RolePermissions, Mode::AssumeRole) => json!({
            "Action": ["s3:*", "kms:*"],
            "Resource": [params.bucket_arn(), params.objects_arn(), params.key_arn()],
        }),
        (FixDocument::BucketPolicy, Mode::Direct) => json!({"Action": "s3:*", "Resource": [params.bucket_arn(), params.objects_arn()]}),
        (FixDocument::KeyPolicy, Mode::Direct) => json!({"Action": "kms:*", "Resource": "*"}),
        _ => return None,
    };
    let mut statement = json!({"Sid": params.sid(NETWORK_SID), "Effect": "Deny"});
    let mut condition = network.elsewhere();
    if params.mode == Mode::Direct {
        // Other tenants name the same role, and may have no such statement.
        statement["Principal"] = json!({"AWS": params.vendor_role});
        condition["StringEquals"] = json!({format!("aws:PrincipalTag/{TAG}"): external_ids(params)});
    }
    statement["Action"] = denied["Action"].clone();
    statement["Resource"] = denied["Resource"].clone();
    statement["Condition"] = condition;
    Some(statement)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::domain::partition::Partition;
    use crate::domain::templates::samples::{restricted, rotating, typed};

    #[rstest]
    #[case(Mode::AssumeRole, &[FixDocument::RolePermissions])]
    #[case(Mode::Direct, &[FixDocument::BucketPolicy, FixDocument::KeyPolicy])]
    fn each_mode_denies_where_it_grants(#[case] mode: Mode, #[case] expected: &[FixDocument]) {
        let params = restricted(rotating(typed(Partition::Aws, mode)));
        let all = [
            FixDocument::TrustPolicy,
            FixDocument::RolePermissions,
            FixDocument::BucketPolicy,
            FixDocument::KeyPolicy,
        ];
        let denying: Vec<_> = all.into_iter().filter(|document| statement(*document, &params).is_some()).collect();
        assert_eq!(denying, expected);
        for document in expected {
            let statement = statement(*document, &params).unwrap();
            assert_eq!(statement["Effect"], "Deny");
            assert_eq!(statement.get("Principal").is_some(), mode == Mode::Direct);
            let tags = &statement["Condition"]["StringEquals"]["aws:PrincipalTag/latchkey-external-id"];
            assert_eq!(
                tags.as_array().map(Vec::len),
                (mode == Mode::Direct).then_some(2),
                "only this tenant's sessions are denied"
            );
        }
        let unrestricted = typed(Partition::Aws, mode);
        assert!(all.into_iter().all(|document| super::statement(document, &unrestricted).is_none()));
    }
}
