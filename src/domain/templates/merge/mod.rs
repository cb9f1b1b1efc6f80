//! Merging the issued statements into an existing policy.

mod conflicts;
mod public;
mod read;
mod replaced;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{TemplateParams, lists};
use conflicts::Calls;
use replaced::replaces;

pub use read::read;

/// The documents that may already have other statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::Display, strum::EnumString, strum::EnumIter)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum MergeTarget {
    BucketPolicy,
    KeyPolicy,
}

impl MergeTarget {
    /// The size limit of AWS, in bytes.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html>,
    /// <https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html>
    fn limit(self) -> usize {
        match self {
            Self::BucketPolicy => 20 * 1024,
            Self::KeyPolicy => 32 * 1024,
        }
    }
}

/// A policy with the issued statements.
#[derive(Debug, Clone, Serialize)]
pub struct MergedDocument {
    /// The complete policy, which replaces the current one.
    pub merged: Value,
    /// In bytes, without whitespace.
    pub size: usize,
    /// The size limit of AWS, in bytes.
    pub limit: usize,
    /// Statements that conflict, or need a review.
    pub findings: Vec<MergeFinding>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MergeFinding {
    pub code: MergeCode,
    /// The `Sid` of the statement, or its position in the current policy: `#1` is the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statement: Option<String>,
    /// What it means and how to fix it.
    pub detail: String,
}

impl MergeFinding {
    fn new(code: MergeCode, statement: Option<String>, detail: impl Into<String>) -> Self {
        Self {
            code,
            statement,
            detail: detail.into(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, strum::EnumIter)]
#[serde(rename_all = "snake_case")]
pub enum MergeCode {
    /// The merged policy is larger than AWS allows.
    TooLarge,
    /// A Deny statement denies access to the vendor.
    Denied,
    /// A Deny statement may deny access to the vendor, depending on values that are not known here.
    MayBeDenied,
    /// A statement with this tenant's Sid granted access to other principals, or denied it. The merged policy replaces it.
    WiderPrincipals,
    /// A statement of this tenant's also names other external IDs, which may be those of another tenant.
    OtherExternalIds,
    /// Another statement grants access to the vendor's role, or to anyone, without the condition on this tenant.
    UnboundAccess,
    /// No statement allows the account to administer the key.
    RootStatementMissing,
    /// The issued statements are already in the policy, so that the merged one is the same.
    Unchanged,
}

/// Merges the issued statements.
///
/// ```
/// use latchkey::domain::arn::RoleArn;
/// use latchkey::domain::external_id::ExternalId;
/// use latchkey::domain::storage_config::Mode;
/// use latchkey::domain::templates::TemplateParams;
/// use latchkey::domain::templates::merge::{MergeTarget, merge, read};
/// use serde_json::json;
///
/// let params = TemplateParams::empty(
///     Mode::AssumeRole,
///     RoleArn::parse("arn:aws:iam::111111111111:role/storage").unwrap(),
///     vec![ExternalId::from_random([7; 20])],
/// );
/// let current = json!({"Version": "2012-10-17", "Statement": [
///     {"Sid": "Own", "Effect": "Allow", "Principal": {"AWS": "222222222222"}, "Action": "s3:*", "Resource": "*"},
/// ]});
/// let policy = read(MergeTarget::BucketPolicy, &current).unwrap();
///
/// let merged = merge(MergeTarget::BucketPolicy, policy, &params, "2026-06-01T12:00:00Z".parse().unwrap()).merged;
/// assert_eq!(merged["Statement"][0]["Sid"], "Own");
/// assert!(merged["Statement"].as_array().unwrap().len() > 1);
/// ```
///
/// Each replaces this tenant's own statement ([`replaced`]), or is added at the end. Everything else stays unchanged and in order, also
/// the statements of other tenants of the vendor.
pub fn merge(target: MergeTarget, mut policy: Value, params: &TemplateParams, now: DateTime<Utc>) -> MergedDocument {
    let issued = issued(target, params);
    let before = match policy["Statement"].take() {
        Value::Array(statements) => statements,
        one => vec![one],
    };
    let calls = Calls {
        issued: &issued,
        params,
        now,
        has_variables: policy["Version"] == "2012-10-17",
    };
    let mut findings = conflicts::find(target, &before, &calls);

    let mut placed = BTreeSet::new();
    let mut after = Vec::new();
    for statement in before.clone() {
        match issued.iter().find(|ours| replaces(ours, &statement, params)) {
            None => after.push(statement),
            Some(ours) => {
                if placed.insert(ours["Sid"].as_str().unwrap_or_default()) {
                    after.push(ours.clone());
                }
            }
        }
    }
    after.extend(
        issued
            .iter()
            .filter(|ours| !placed.contains(ours["Sid"].as_str().unwrap_or_default()))
            .cloned(),
    );
    if after == before {
        findings.push(MergeFinding::new(
            MergeCode::Unchanged,
            None,
            "The statements are already in this policy as issued, so merging changes nothing. If a call that they allow is still denied, look for \
             a Deny statement here, in a policy of the organization, or for a permissions boundary.",
        ));
    }
    policy["Statement"] = Value::Array(after);

    let (size, limit) = (policy.to_string().len(), target.limit());
    if size > limit {
        findings.insert(
            0,
            MergeFinding::new(
                MergeCode::TooLarge,
                None,
                format!("The policy has {size} bytes; AWS allows {limit}. Shorten other statements first."),
            ),
        );
    }
    MergedDocument {
        merged: policy,
        size,
        limit,
        findings,
    }
}

fn issued(target: MergeTarget, params: &TemplateParams) -> Vec<Value> {
    match target {
        MergeTarget::KeyPolicy => lists::of_key_policy(params),
        MergeTarget::BucketPolicy => lists::of_bucket_policy(params),
    }
}

fn label(statement: &Value, at: usize) -> String {
    statement["Sid"].as_str().map_or_else(|| format!("#{}", at + 1), str::to_owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::json;

    use super::read::WHITE_SPACE;
    use super::*;
    use crate::domain::partition::Partition;
    use crate::domain::storage_config::Mode;
    use crate::domain::templates::policy_eval::steps;
    use crate::domain::templates::samples::{restricted, typed};
    use crate::domain::templates::statements;

    const ROLE: &str = "arn:aws:iam::222222222222:role/documents";
    const VENDOR: &str = "arn:aws:iam::111111111111:role/vendor/documents";
    const BUCKET: &str = "arn:aws:s3:::acme-documents";

    fn now() -> DateTime<Utc> {
        "2026-06-01T12:00:00Z".parse().unwrap()
    }

    /// The samples' own Sid.
    fn own(sid: &str) -> String {
        typed(Partition::Aws, Mode::Direct).sid(sid)
    }

    fn policy(statements: &Value) -> Value {
        json!({"Version": "2012-10-17", "Id": "theirs", "Statement": statements})
    }

    fn codes(merged: &MergedDocument) -> Vec<(MergeCode, Option<&str>)> {
        merged
            .findings
            .iter()
            .map(|finding| (finding.code, finding.statement.as_deref()))
            .collect()
    }

    fn merged(target: MergeTarget, mode: Mode, statements: &Value) -> MergedDocument {
        let policy = read(target, &policy(statements)).unwrap();
        merge(target, policy, &typed(Partition::Aws, mode), now())
    }

    #[test]
    fn ours_are_replaced_in_place_and_all_else_is_untouched() {
        let theirs = json!({"Resource": "x", "Sid": "Theirs", "Effect": "Allow", "Principal": {"Service": "logging.s3.amazonaws.com"}, "Action": "s3:PutObject"});
        let before = json!([
            {"Sid": "LatchkeyList", "Effect": "Allow", "Principal": {"AWS": ROLE}, "Action": "s3:ListBucket", "Resource": format!("{BUCKET}/*")},
            theirs,
            {"Sid": own("LatchkeyList"), "Effect": "Allow", "Principal": {"AWS": ROLE}, "Action": "s3:ListBucket", "Resource": BUCKET},
        ]);
        let merged = merged(MergeTarget::BucketPolicy, Mode::AssumeRole, &before);
        insta::assert_json_snapshot!(merged);
        assert_eq!(
            merged.merged["Statement"][1].to_string(),
            theirs.to_string(),
            "the order of members is kept too"
        );
    }

    #[test]
    fn a_single_statement_is_kept() {
        let theirs = json!({"Sid": "Theirs", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::222222222222:root"}, "Action": "kms:*", "Resource": "*"});
        let merged = merged(MergeTarget::KeyPolicy, Mode::Direct, &theirs);
        assert_eq!(merged.merged["Statement"][0], theirs);
        assert_eq!(merged.merged["Statement"][1]["Sid"], own("LatchkeyKey"));
        assert_eq!((merged.limit, codes(&merged)), (32768, vec![]));
    }

    #[rstest]
    // Denies requests without TLS, which does not affect the vendor.
    #[case(json!({"Sid": "Tls", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": [BUCKET, format!("{BUCKET}/*")], "Condition": {"Bool": {"aws:SecureTransport": "false"}}}), None)]
    #[case(json!({"Sid": "All", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": format!("{BUCKET}/*")}), Some(MergeCode::Denied))]
    #[case(json!({"Sid": "Org", "Effect": "Deny", "Principal": {"AWS": "*"}, "NotAction": "s3:PutObject", "Resource": "*", "Condition": {"StringNotEquals": {"aws:PrincipalAccount": "333333333333"}}}), Some(MergeCode::Denied))]
    #[case(json!({"Sid": "But", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*", "Condition": {"ArnNotEquals": {"aws:PrincipalArn": ROLE}}}), None)]
    #[case(json!({"Sid": "Vpc", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*", "Condition": {"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}}), Some(MergeCode::MayBeDenied))]
    #[case(json!({"Sid": "Part", "Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": format!("{BUCKET}/secret/*")}), Some(MergeCode::MayBeDenied))]
    #[case(json!({"Sid": "Acl", "Effect": "Deny", "Principal": "*", "Action": "s3:PutObjectAcl", "Resource": "*"}), None)]
    #[case(json!({"Sid": "Other", "Effect": "Deny", "Principal": {"AWS": "arn:aws:iam::222222222222:role/other"}, "Action": "s3:*", "Resource": "*"}), None)]
    #[case(json!({"Sid": "Not", "Effect": "Deny", "NotPrincipal": {"AWS": "arn:aws:iam::222222222222:role/other"}, "Action": "s3:*", "Resource": "*"}), Some(MergeCode::Denied))]
    #[case(json!({"Sid": "Open", "Effect": "Allow", "Principal": "*", "Action": "s3:Get*", "Resource": "*"}), Some(MergeCode::UnboundAccess))]
    #[case(json!({"Sid": own("LatchkeyObjects"), "Effect": "Allow", "Principal": {"AWS": ["arn:aws:iam::222222222222:root", ROLE]}, "Action": "s3:Get*", "Resource": "*"}), Some(MergeCode::WiderPrincipals))]
    fn conflicting_statements_are_found(#[case] statement: Value, #[case] expected: Option<MergeCode>) {
        let merged = merged(MergeTarget::BucketPolicy, Mode::AssumeRole, &json!([statement]));
        let expected: Vec<_> = expected.into_iter().map(|code| (code, statement["Sid"].as_str())).collect();
        assert_eq!(codes(&merged), expected, "{:#?}", merged.findings);
    }

    #[rstest]
    #[case(json!({"AWS": VENDOR}), json!({}), true)]
    #[case(json!({"AWS": "111111111111"}), json!({}), true)]
    #[case(json!({"AWS": VENDOR}), json!({"StringEquals": {"aws:PrincipalTag/latchkey-external-id": "lk-0123456789abcdef0123456789abcdef01234567"}}), false)]
    #[case(json!("*"), json!({"StringEquals": {"aws:PrincipalOrgID": "o-1"}}), false)]
    #[case(json!("*"), json!({"StringEquals": {"aws:PrincipalArn": VENDOR}}), true)]
    #[case(json!({"AWS": "arn:aws:iam::222222222222:role/own"}), json!({}), false)]
    fn access_of_the_vendors_role_without_the_tag_is_found(#[case] principal: Value, #[case] condition: Value, #[case] found: bool) {
        let statement =
            json!([{"Effect": "Allow", "Principal": principal, "Action": "s3:GetObject", "Resource": "*", "Condition": condition}]);
        let merged = merged(MergeTarget::BucketPolicy, Mode::Direct, &statement);
        let expected = if found {
            vec![(MergeCode::UnboundAccess, Some("#1"))]
        } else {
            vec![]
        };
        assert_eq!(codes(&merged), expected);
    }

    /// The calls that come from the vendor's network, and how a Deny statement that names networks affects them.
    #[rstest]
    #[case::the_vendors(json!({"NotIpAddress": {"aws:SourceIp": "52.57.10.0/24"}, "StringNotEquals": {"aws:SourceVpce": "vpce-0123456789abcdef0"}}), None)]
    #[case::one_way_of_two(json!({"NotIpAddress": {"aws:SourceIp": "52.57.10.0/24"}}), Some(MergeCode::MayBeDenied))]
    #[case::another(json!({"NotIpAddress": {"aws:SourceIp": "198.51.100.0/24"}, "StringNotEquals": {"aws:SourceVpce": "vpce-1"}}), Some(MergeCode::Denied))]
    #[case::another_vpc(json!({"StringNotEquals": {"aws:SourceVpc": "vpc-1"}}), Some(MergeCode::MayBeDenied))]
    fn networks_are_compared_with_the_vendors(
        #[case] condition: Value,
        #[case] expected: Option<MergeCode>,
        #[values(Mode::Direct, Mode::AssumeRole)] mode: Mode,
    ) {
        let theirs =
            json!([{"Sid": "Perimeter", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*", "Condition": condition}]);
        let policy = read(MergeTarget::BucketPolicy, &policy(&theirs)).unwrap();
        let merged = merge(MergeTarget::BucketPolicy, policy, &restricted(typed(Partition::Aws, mode)), now());
        let expected: Vec<_> = expected.into_iter().map(|code| (code, Some("Perimeter"))).collect();
        assert_eq!(codes(&merged), expected, "{:#?}", merged.findings);
    }

    /// S3 uses the key from its own network.
    #[rstest]
    #[case::of_s3_as_well(json!({"NotIpAddress": {"aws:SourceIp": "52.57.10.0/24"}, "StringNotEquals": {"aws:SourceVpce": "vpce-0123456789abcdef0"}}), Some(MergeCode::MayBeDenied))]
    #[case::not_of_s3(json!({"NotIpAddress": {"aws:SourceIp": "52.57.10.0/24"}, "StringNotEquals": {"aws:SourceVpce": "vpce-0123456789abcdef0"}, "Bool": {"aws:ViaAWSService": "false"}}), None)]
    #[case::only_of_s3(json!({"Bool": {"aws:ViaAWSService": "true"}}), Some(MergeCode::Denied))]
    fn the_key_is_also_used_by_s3(#[case] condition: Value, #[case] expected: Option<MergeCode>) {
        let root = json!({"Sid": "Root", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::222222222222:root"}, "Action": "kms:*", "Resource": "*"});
        let theirs =
            json!({"Sid": "Perimeter", "Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*", "Condition": condition});
        let policy = read(MergeTarget::KeyPolicy, &policy(&json!([root, theirs]))).unwrap();
        let merged = merge(
            MergeTarget::KeyPolicy,
            policy,
            &restricted(typed(Partition::Aws, Mode::Direct)),
            now(),
        );
        let expected: Vec<_> = expected.into_iter().map(|code| (code, Some("Perimeter"))).collect();
        assert_eq!(codes(&merged), expected, "{:#?}", merged.findings);
    }

    /// It is replaced when the network changes, and is no conflict: neither this tenant's nor that of another one.
    #[rstest]
    fn our_own_deny_statements_are_no_conflicts(#[values(MergeTarget::BucketPolicy, MergeTarget::KeyPolicy)] target: MergeTarget) {
        let params = restricted(typed(Partition::Aws, Mode::Direct));
        let root = json!({"Sid": "Root", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::222222222222:root"}, "Action": "kms:*", "Resource": "*"});
        let issued = issued(target, &params);
        let current = issued.last().unwrap();
        let mut outdated = current.clone();
        outdated["Condition"]["NotIpAddressIfExists"]["aws:SourceIp"] = json!("52.57.99.1/32");
        let mut of_another = outdated.clone();
        of_another["Sid"] = json!("LatchkeyNetwork0badcafe");
        of_another["Condition"]["StringEquals"]["aws:PrincipalTag/latchkey-external-id"] = json!(OTHER_ID);
        let policy = read(target, &policy(&json!([root, of_another, outdated]))).unwrap();
        let merged = merge(target, policy, &params, now());
        assert_eq!(codes(&merged), []);
        let statements = merged.merged["Statement"].as_array().unwrap();
        assert_eq!((&statements[1], &statements[2]), (&of_another, current));
        assert_eq!(statements.len(), 2 + issued.len());
    }

    const OTHER_ID: &str = "lk-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

    /// The statement of another tenant that shares the key: with its own Sid, or one without a tenant's end.
    #[rstest]
    fn another_tenants_statement_stays(
        #[values(Mode::Direct, Mode::AssumeRole)] mode: Mode,
        #[values("LatchkeyKey", "LatchkeyKey0badcafe")] sid: &str,
    ) {
        let mut theirs = json!({"Sid": sid, "Effect": "Allow", "Principal": {"AWS": VENDOR}, "Action": ["kms:Decrypt"], "Resource": "*",
                                "Condition": {"StringEquals": {"aws:PrincipalTag/latchkey-external-id": OTHER_ID}}});
        if mode == Mode::AssumeRole {
            theirs["Principal"]["AWS"] = json!("arn:aws:iam::222222222222:role/other-documents");
            theirs.as_object_mut().unwrap().remove("Condition");
        }
        let root = json!({"Sid": "Root", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::222222222222:root"}, "Action": "kms:*", "Resource": "*"});
        let merged = merged(MergeTarget::KeyPolicy, mode, &json!([root, theirs]));
        let ours = statements::key_policy_statement(&typed(Partition::Aws, mode));
        assert_eq!(merged.merged["Statement"], json!([root, theirs, ours]));
        assert_eq!(codes(&merged), []);
    }

    /// With the Sid that all tenants had in common.
    #[rstest]
    fn an_earlier_statement_of_this_tenant_is_replaced(#[values(Mode::Direct, Mode::AssumeRole)] mode: Mode) {
        let ours = statements::key_policy_statement(&typed(Partition::Aws, mode));
        let mut earlier = ours.clone();
        earlier["Sid"] = json!("LatchkeyKey");
        earlier["Action"] = json!("kms:Decrypt");
        let merged = merged(MergeTarget::KeyPolicy, mode, &json!([earlier, ours]));
        assert_eq!(merged.merged["Statement"], json!([ours]));
    }

    /// A statement for two tenants stays if it is nobody's, and is found either way.
    #[rstest]
    #[case("LatchkeyKey".to_owned(), 2)]
    #[case(own("LatchkeyKey"), 1)]
    fn a_statement_for_two_tenants_is_found(#[case] sid: String, #[case] statements: usize) {
        let params = typed(Partition::Aws, Mode::Direct);
        let both = json!([{"Sid": sid, "Effect": "Allow", "Principal": {"AWS": VENDOR}, "Action": "kms:Decrypt", "Resource": "*",
            "Condition": {"StringEquals": {"aws:PrincipalTag/latchkey-external-id": [params.external_ids[0].as_str(), OTHER_ID]}}}]);
        let merged = merged(MergeTarget::KeyPolicy, Mode::Direct, &both);
        assert_eq!(merged.merged["Statement"].as_array().unwrap().len(), statements);
        assert_eq!(codes(&merged)[0], (MergeCode::OtherExternalIds, Some(sid.as_str())));
        assert!(merged.findings[0].detail.contains(OTHER_ID));
    }

    /// Statements that let sessions of other tenants use the vendor's role.
    #[rstest]
    #[case(json!({"StringLike": {"aws:PrincipalTag/latchkey-external-id": "*"}}), true)]
    #[case(json!({"StringLike": {"aws:PrincipalTag/latchkey-external-id": "lk-*"}}), true)]
    #[case(json!({"Null": {"aws:PrincipalTag/latchkey-external-id": "false"}}), true)]
    #[case(json!({"ForAllValues:StringEquals": {"aws:PrincipalTag/latchkey-external-id": OTHER_ID}}), true)]
    #[case(json!({"StringEqualsIfExists": {"aws:PrincipalTag/latchkey-external-id": OTHER_ID}}), true)]
    #[case(json!({"StringEquals": {"aws:PrincipalTag/latchkey-external-id": OTHER_ID}}), false)]
    fn access_for_other_tenants_is_found(#[case] condition: Value, #[case] found: bool) {
        for (target, action) in [
            (MergeTarget::BucketPolicy, "s3:GetObject"),
            (MergeTarget::KeyPolicy, "kms:CreateGrant"),
        ] {
            let statements = json!([
                {"Sid": "Root", "Effect": "Allow", "Principal": {"AWS": "222222222222"}, "Action": "*", "Resource": "*"},
                {"Sid": "Wide", "Effect": "Allow", "Principal": {"AWS": VENDOR}, "Action": action, "Resource": "*", "Condition": condition},
            ]);
            let expected = if found {
                vec![(MergeCode::UnboundAccess, Some("Wide"))]
            } else {
                vec![]
            };
            assert_eq!(codes(&merged(target, Mode::Direct, &statements)), expected);
        }
    }

    /// A Deny for everyone but some principals.
    #[rstest]
    #[case(json!(["arn:aws:iam::222222222222:role/admin", "arn:aws:iam::222222222222:root"]), MergeCode::Denied)]
    #[case(json!("arn:aws:iam::222222222222:root"), MergeCode::Denied)]
    #[case(json!(ROLE), MergeCode::MayBeDenied)]
    #[case(json!(["arn:aws:iam::222222222222:root", ROLE]), MergeCode::MayBeDenied)]
    fn a_deny_spares_only_who_is_named_whole(#[case] spared: Value, #[case] code: MergeCode) {
        let statement = json!([{"Sid": "But", "Effect": "Deny", "NotPrincipal": {"AWS": spared}, "Action": "s3:*", "Resource": "*"}]);
        let merged = merged(MergeTarget::BucketPolicy, Mode::AssumeRole, &statement);
        assert_eq!(codes(&merged), [(code, Some("But"))]);
    }

    /// Whether or not S3 calls use them, public statements stop access from other accounts.
    #[rstest]
    fn public_statements_are_found(#[values(Mode::Direct, Mode::AssumeRole)] mode: Mode) {
        let statement = json!([{"Sid": "Site", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObjectVersion", "Resource": format!("{BUCKET}/public/*"),
                                "Condition": {"StringLike": {"aws:Referer": "https://example.com/*"}}}]);
        let merged = merged(MergeTarget::BucketPolicy, mode, &statement);
        assert_eq!(codes(&merged), [(MergeCode::UnboundAccess, Some("Site"))]);
        assert!(merged.findings[0].detail.contains("RestrictPublicBuckets"));
    }

    /// Statements of a key policy that have no effect.
    #[rstest]
    #[case(json!({"Sid": "X", "Effect": "Deny", "Principal": "*", "Action": "kms:*"}), None)]
    #[case(json!({"Sid": "X", "Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "arn:aws:kms:eu-central-1:222222222222:key/99999999-12ab-34cd-56ef-1234567890ab"}), None)]
    #[case(json!({"Sid": "X", "Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*"}), Some(MergeCode::Denied))]
    #[case(json!({"Sid": own("LatchkeyKey"), "Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*"}), Some(MergeCode::WiderPrincipals))]
    fn statements_without_effect_do_not_count(#[case] statement: Value, #[case] code: Option<MergeCode>) {
        let sid = statement["Sid"].as_str().unwrap().to_owned();
        let root = json!({"Sid": "Root", "Effect": "Allow", "Principal": {"AWS": "222222222222"}, "Action": "kms:*", "Resource": "*"});
        let merged = merged(MergeTarget::KeyPolicy, Mode::AssumeRole, &json!([root, statement]));
        let expected: Vec<_> = code.into_iter().map(|code| (code, Some(sid.as_str()))).collect();
        assert_eq!(codes(&merged), expected);
    }

    /// Who administers the key.
    #[rstest]
    #[case(json!({"Principal": {"AWS": "arn:aws:iam::222222222222:root"}, "Action": "kms:*"}), false)]
    #[case(json!({"Principal": {"AWS": "arn:aws:iam::222222222222:root"}, "Action": "kms:*", "Resource": "*"}), true)]
    #[case(json!({"Principal": {"AWS": "arn:aws:iam::222222222222:root"}, "NotAction": "kms:ScheduleKeyDeletion", "Resource": "*"}), true)]
    #[case(json!({"Principal": {"AWS": "*"}, "Action": "kms:*", "Resource": "*", "Condition": {"StringEquals": {"kms:CallerAccount": "222222222222"}}}), true)]
    fn the_administrator_of_the_key_is_found(#[case] statement: Value, #[case] found: bool) {
        let mut statement = statement;
        statement["Effect"] = json!("Allow");
        let merged = merged(MergeTarget::KeyPolicy, Mode::AssumeRole, &json!([statement]));
        let missing = codes(&merged).contains(&(MergeCode::RootStatementMissing, None));
        assert_eq!(missing, !found, "{:#?}", merged.findings);
    }

    /// The role is in another account than the key.
    #[test]
    fn the_keys_own_account_administers_it() {
        let mut params = typed(Partition::Aws, Mode::AssumeRole);
        params.account = Some("333333333333".parse().unwrap());
        let root = |account: &str| json!([{"Sid": "Root", "Effect": "Allow", "Principal": {"AWS": format!("arn:aws:iam::{account}:root")}, "Action": "kms:*", "Resource": "*"}]);
        for (account, found) in [("222222222222", false), ("333333333333", true)] {
            let policy = read(MergeTarget::KeyPolicy, &policy(&root(account))).unwrap();
            let missing = codes(&merge(MergeTarget::KeyPolicy, policy, &params, now())).contains(&(MergeCode::RootStatementMissing, None));
            assert_eq!(missing, found, "{account}");
        }
    }

    #[test]
    fn a_byte_order_mark_is_skipped() {
        let text = format!("\u{feff}{}", policy(&json!([])));
        assert!(read(MergeTarget::BucketPolicy, &json!(text)).is_ok());
    }

    #[test]
    fn a_key_that_its_account_cannot_administer_is_found() {
        let other =
            json!([{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::333333333333:root"}, "Action": "kms:*", "Resource": "*"}]);
        let merged = merged(MergeTarget::KeyPolicy, Mode::AssumeRole, &other);
        assert_eq!(codes(&merged), [(MergeCode::RootStatementMissing, None)]);
    }

    #[test]
    fn a_policy_that_grew_too_large_is_found() {
        let large = json!([{"Sid": "Large", "Effect": "Allow", "Principal": {"AWS": "333333333333"}, "Action": "s3:GetObject", "Resource": "x".repeat(20_000)}]);
        let merged = merged(MergeTarget::BucketPolicy, Mode::AssumeRole, &large);
        assert!(merged.size > merged.limit);
        assert_eq!(codes(&merged), [(MergeCode::TooLarge, None)]);
    }

    /// A fix that says to add the statements would change nothing.
    #[rstest]
    fn statements_that_are_in_place_are_said_to_be(
        #[values(MergeTarget::BucketPolicy, MergeTarget::KeyPolicy)] target: MergeTarget,
        #[values(Mode::Direct, Mode::AssumeRole)] mode: Mode,
    ) {
        let params = typed(Partition::Aws, mode);
        let mut statements = issued(target, &params);
        statements.push(statements::key_administration_statement(&params));
        let merged = merged(target, mode, &json!(statements));
        assert_eq!(codes(&merged), [(MergeCode::Unchanged, None)]);
    }

    /// So many comparisons take a few milliseconds.
    #[rstest]
    #[case::one_long_pattern("a?", usize::MAX)]
    #[case::stars("*a", usize::MAX)]
    #[case::patterns_of_the_longest_kind("*?", 2040)]
    #[case::many_patterns("*b", 60)]
    #[case::short_patterns("*", 1)]
    fn the_cost_of_the_worst_policy_is_bounded(
        #[case] part: &str,
        #[case] length: usize,
        #[values(Mode::Direct, Mode::AssumeRole)] mode: Mode,
    ) {
        let room = MergeTarget::BucketPolicy.limit() * WHITE_SPACE - 200;
        let pattern = part.repeat(length.min(room / 2).div_ceil(part.len()));
        let patterns = vec![pattern.clone(); room / 2 / (pattern.len() + 3)];
        let patterns = if patterns.is_empty() { vec![pattern] } else { patterns };
        for (action, resource) in [("Action", "Resource"), ("NotAction", "NotResource")] {
            let statement = json!({"Effect": "Deny", "Principal": "*", action: patterns, resource: patterns});
            let current = read(MergeTarget::BucketPolicy, &json!({"Statement": [statement]})).unwrap();
            steps::take();
            merge(MergeTarget::BucketPolicy, current, &typed(Partition::Aws, mode), now());
            let steps = steps::take();
            assert!(steps < 20_000_000, "{steps}");
        }
    }

    #[test]
    fn oversized_policies_are_not_parsed() {
        let text = "[".repeat(MergeTarget::BucketPolicy.limit() * WHITE_SPACE + 1);
        assert_eq!(read(MergeTarget::BucketPolicy, &json!(text)).unwrap_err().code, "too_large");
        let object = json!({"Statement": [text]});
        assert_eq!(read(MergeTarget::BucketPolicy, &object).unwrap_err().code, "too_large");
    }

    #[rstest]
    #[case(json!("{"), "not_json")]
    #[case(json!("[]"), "not_a_policy")]
    #[case(json!({"Statement": "x"}), "not_a_policy")]
    #[case(json!({"Statement": [7]}), "not_a_policy")]
    #[case(json!({"Policy": "{}"}), "not_a_policy")]
    #[case(json!({"Effect": "Allow"}), "not_a_policy")]
    #[case(json!({"Statement": [{"Effect": "Allow", "Action": "*"}]}), "not_a_resource_policy")]
    #[case(json!(" "), "key_policy_missing")]
    fn input_that_is_not_a_policy_is_rejected(#[case] current: Value, #[case] code: &str) {
        assert_eq!(read(MergeTarget::KeyPolicy, &current).unwrap_err().code, code);
    }

    #[test]
    fn a_bucket_may_have_no_policy_yet() {
        let empty = read(MergeTarget::BucketPolicy, &json!("")).unwrap();
        let params = typed(Partition::Aws, Mode::Direct);
        let issued = issued(MergeTarget::BucketPolicy, &params);
        assert_eq!(
            merge(MergeTarget::BucketPolicy, empty, &params, now()).merged,
            statements::policy(&issued)
        );
    }

    proptest! {
        /// Merging is idempotent, and keeps the customer's statements in order.
        #[test]
        fn merging_is_stable(sids in prop::collection::vec("(Latchkey(Objects|List|Key)(c9a83d8a)?|A|B)?", 0..6), key in any::<bool>()) {
            let target = if key { MergeTarget::KeyPolicy } else { MergeTarget::BucketPolicy };
            let statements: Vec<Value> = sids.iter().enumerate().map(|(at, sid)| {
                let mut statement = json!({"Effect": "Allow", "Principal": {"AWS": "333333333333"}, "Action": "s3:X", "Resource": at.to_string()});
                if !sid.is_empty() {
                    statement["Sid"] = json!(sid);
                }
                statement
            }).collect();
            let once = merged(target, Mode::Direct, &json!(statements)).merged;
            let twice = merge(target, once.clone(), &typed(Partition::Aws, Mode::Direct), now()).merged;
            prop_assert_eq!(&once, &twice);
            let ours = issued(target, &typed(Partition::Aws, Mode::Direct));
            let theirs = |policy: &Value| policy["Statement"].as_array().unwrap().iter().filter(|one| !ours.iter().any(|own| replaces(own, one, &typed(Partition::Aws, Mode::Direct)))).cloned().collect::<Vec<_>>();
            prop_assert_eq!(theirs(&once), theirs(&json!({"Statement": statements})));
            for own in &ours {
                prop_assert_eq!(once["Statement"].as_array().unwrap().iter().filter(|one| *one == own).count(), 1);
            }
        }
    }
}
