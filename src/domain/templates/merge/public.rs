//! Whether AWS considers a statement public.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html#access-control-block-public-access-policy-status>

use serde_json::Value;

use super::super::policy_eval::{scalars, texts};

/// Condition keys that restrict a statement to a source, if their values are fixed. `kms:CallerAccount` is the same in a key policy.
const SOURCES: [&str; 14] = [
    "aws:sourcearn",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:sourceowner",
    "aws:sourceaccount",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:principalaccount",
    "aws:principalarn",
    "aws:userid",
    "s3:x-amz-server-side-encryption-aws-kms-key-id",
    "s3:dataaccesspointarn",
    "s3:dataaccesspointaccount",
    "kms:calleraccount",
];

/// It allows everyone, or everyone but some, and no condition restricts it to fixed sources.
pub(super) fn is_public(statement: &Value) -> bool {
    let everyone =
        statement.get("NotPrincipal").is_some() || statement["Principal"] == "*" || texts(&statement["Principal"]["AWS"]).contains(&"*");
    statement["Effect"] == "Allow" && everyone && !is_restricted(&statement["Condition"])
}

pub(super) fn names_anyone(statement: &Value) -> bool {
    statement["Principal"] == "*" || texts(&statement["Principal"]["AWS"]).contains(&"*")
}

fn is_restricted(conditions: &Value) -> bool {
    conditions.as_object().into_iter().flatten().any(|(operator, tests)| {
        let mut keys = tests.as_object().into_iter().flatten();
        keys.any(|(key, values)| restricts(operator, &key.to_ascii_lowercase(), &scalars(values)))
    })
}

/// Whether one condition is enough.
fn restricts(operator: &str, key: &str, values: &[String]) -> bool {
    let is_fixed = |value: &String| !value.contains(['*', '?']) && !value.contains("${");
    if values.is_empty() {
        return false;
    }
    match operator {
        "StringEquals" | "StringEqualsIgnoreCase" | "StringLike" | "ArnEquals" | "ArnLike" => match key {
            // An access point's account must be fixed, its name need not be.
            "s3:dataaccesspointarn" | "aws:sourcearn" => values.iter().all(|value| is_fixed(value) || has_fixed_account(value)),
            key => SOURCES.contains(&key) && values.iter().all(is_fixed),
        },
        "IpAddress" => key == "aws:sourceip" && values.iter().all(|range| !is_broad(range)),
        _ => false,
    }
}

fn has_fixed_account(arn: &str) -> bool {
    let account = arn.split(':').nth(4).unwrap_or_default();
    account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit())
}

/// AWS considers a range public from /8 (IPv4) or /32 (IPv6) on.
fn is_broad(range: &str) -> bool {
    let Some((address, bits)) = range.split_once('/') else {
        return false;
    };
    let widest = if address.contains(':') { 32 } else { 8 };
    bits.parse::<u8>().map_or(true, |bits| bits < widest)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case(json!({}), true)]
    #[case(json!({"Bool": {"aws:SecureTransport": "true"}}), true)]
    #[case(json!({"StringLike": {"aws:Referer": "https://example.com/*"}}), true)]
    #[case(json!({"StringEquals": {"aws:UserAgent": "secret"}}), true)]
    #[case(json!({"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}), true)]
    #[case(json!({"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "::/0"]}}), true)]
    #[case(json!({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}), false)]
    #[case(json!({"StringLike": {"aws:PrincipalOrgID": "o-*"}}), true)]
    #[case(json!({"StringEquals": {"aws:PrincipalOrgID": "o-exampleorgid"}}), false)]
    #[case(json!({"StringNotEquals": {"aws:PrincipalOrgID": "o-exampleorgid"}}), true)]
    #[case(json!({"StringLike": {"aws:SourceVpc": "vpc-*"}}), true)]
    #[case(json!({"StringEquals": {"aws:SourceVpc": "vpc-1"}}), false)]
    #[case(json!({"StringEqualsIfExists": {"aws:SourceVpc": "vpc-1"}}), true)]
    #[case(json!({"StringEquals": {"aws:SourceAccount": 222_222_222_222_u64}}), false)]
    #[case(json!({"StringEquals": {"kms:ViaService": "s3.eu-central-1.amazonaws.com"}}), true)]
    #[case(json!({"StringEquals": {"kms:CallerAccount": "222222222222"}}), false)]
    #[case(json!({"StringLike": {"aws:userid": "AROAEXAMPLEID:*"}}), true)]
    #[case(json!({"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::222222222222:role/documents"}}), false)]
    #[case(json!({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::222222222222:role/*"}}), true)]
    #[case(json!({"ArnLike": {"aws:SourceArn": "arn:aws:cloudfront::222222222222:distribution/*"}}), false)]
    #[case(json!({"ArnLike": {"aws:SourceArn": "arn:aws:s3:::*"}}), true)]
    fn only_fixed_sources_restrict(#[case] condition: Value, #[case] public: bool) {
        for principal in [json!("*"), json!({"AWS": "*"}), json!({"AWS": ["*"]})] {
            let statement =
                json!({"Effect": "Allow", "Principal": principal, "Action": "s3:GetObject", "Resource": "*", "Condition": condition});
            assert_eq!(is_public(&statement), public);
        }
    }

    #[test]
    fn everyone_but_some_is_public() {
        let some = json!({"AWS": "arn:aws:iam::222222222222:root"});
        assert!(is_public(
            &json!({"Effect": "Allow", "NotPrincipal": some, "Action": "s3:GetObject", "Resource": "*"})
        ));
        assert!(!is_public(
            &json!({"Effect": "Allow", "Principal": some, "Action": "s3:GetObject", "Resource": "*"})
        ));
        assert!(!is_public(
            &json!({"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"})
        ));
    }
}
