//! AWS's documented rules, each with the page that states it, and properties that follow from them.

use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

use super::conditions::hold;
use super::patterns::glob;
use super::*;
use crate::domain::vendor_network::{OrganizationId, VpcEndpointId};

const ROLE: &str = "arn:aws:iam::111111111111:role/team/r";
const NOW: &str = "2026-06-01T12:00:00Z";

/// A session with the tag `t`, whose calls are on all objects of a bucket.
fn with_caller<T>(tags: &[&str], ask: impl FnOnce(&PolicyCaller) -> T) -> T {
    let role = RoleArn::parse(ROLE).unwrap();
    ask(&PolicyCaller {
        role: &role,
        tags: tags.to_vec(),
        tag: "t",
        actions: vec!["s3:GetObject".to_owned()],
        resources: vec!["arn:aws:s3:::b/*".to_owned()],
        resource_account: Some("222222222222"),
        region: Some("eu-central-1"),
        origin: CallOrigin::Anywhere,
        now: NOW.parse().unwrap(),
        has_variables: true,
    })
}

fn holds(condition: &Value) -> AccessDecision {
    with_caller(&["one"], |caller| hold(condition, caller).0)
}

use AccessDecision::{Maybe, No, Yes};

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>, by its sections.
#[rstest]
// String condition operators: exact matching with case, negated, ignoring case, and with wildcards.
#[case::string_equals(json!({"StringEquals": {"aws:PrincipalTag/t": "one"}}), Yes)]
#[case::string_equals_with_case(json!({"StringEquals": {"aws:PrincipalTag/t": "One"}}), No)]
#[case::string_equals_has_no_wildcards(json!({"StringEquals": {"aws:PrincipalTag/t": "*"}}), No)]
#[case::string_not_equals(json!({"StringNotEquals": {"aws:PrincipalTag/t": "one"}}), No)]
#[case::string_equals_ignore_case(json!({"StringEqualsIgnoreCase": {"aws:PrincipalTag/t": "ONE"}}), Yes)]
#[case::string_not_equals_ignore_case(json!({"StringNotEqualsIgnoreCase": {"aws:PrincipalTag/t": "ONE"}}), No)]
#[case::string_like(json!({"StringLike": {"aws:PrincipalTag/t": "o?*"}}), Yes)]
#[case::string_like_with_case(json!({"StringLike": {"aws:PrincipalTag/t": "O*"}}), No)]
#[case::string_not_like(json!({"StringNotLike": {"aws:PrincipalTag/t": "t*"}}), Yes)]
// Numeric condition operators. YAML and people write them with and without quotation marks.
#[case::numeric_less_than(json!({"NumericLessThan": {"s3:TlsVersion": 1.2}}), No)]
#[case::numeric_less_than_text(json!({"NumericLessThan": {"s3:TlsVersion": "1.2"}}), No)]
#[case::numeric_of_some_calls(json!({"NumericLessThan": {"s3:TlsVersion": "1.3"}}), Maybe)]
#[case::numeric_greater_than_equals(json!({"NumericGreaterThanEquals": {"s3:TlsVersion": ["1.2"]}}), Yes)]
#[case::numeric_not_equals(json!({"NumericNotEquals": {"s3:TlsVersion": 1.1}}), Yes)]
#[case::account_as_a_number(json!({"StringEquals": {"aws:PrincipalAccount": 111_111_111_111_u64}}), Yes)]
// Date condition operators: ISO 8601, or the seconds since 1970.
#[case::date_in_the_past(json!({"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}), No)]
#[case::date_without_a_time(json!({"DateGreaterThan": {"aws:CurrentTime": "2020-01-01"}}), Yes)]
#[case::date_in_the_future(json!({"DateLessThan": {"aws:CurrentTime": "2030-01-01T00:00:00Z"}}), Maybe)]
#[case::date_as_seconds(json!({"DateGreaterThanEquals": {"aws:EpochTime": 1_577_836_800}}), Yes)]
#[case::date_not_equals(json!({"DateNotEquals": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}), Yes)]
#[case::seconds_as_a_number(json!({"NumericLessThan": {"aws:EpochTime": "1577836800"}}), No)]
#[case::session_of_the_past(json!({"DateLessThan": {"aws:TokenIssueTime": "2026-05-01T00:00:00Z"}}), No)]
#[case::session_of_this_day(json!({"DateLessThan": {"aws:TokenIssueTime": "2026-06-01T06:00:00Z"}}), Maybe)]
// Boolean condition operators.
#[case::bool_as_text(json!({"Bool": {"aws:SecureTransport": "false"}}), No)]
#[case::bool_as_such(json!({"Bool": {"aws:SecureTransport": true}}), Yes)]
#[case::bool_in_a_list(json!({"Bool": {"aws:SecureTransport": [true]}}), Yes)]
// IP address condition operators: the address is not known in advance.
#[case::ip_address(json!({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}), Maybe)]
#[case::not_ip_address(json!({"NotIpAddress": {"aws:SourceIp": ["203.0.113.0/24", "2001:db8::/32"]}}), Maybe)]
// Amazon Resource Name condition operators: both kinds have wildcards, and compare part by part.
#[case::arn_equals_has_wildcards(json!({"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::111111111111:role/*/r"}}), Yes)]
#[case::arn_like(json!({"ArnLike": {"aws:PrincipalArn": "arn:*:iam::*:role/team/?"}}), Yes)]
#[case::arn_like_across_a_colon(json!({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*/r"}}), No)]
#[case::arn_not_like(json!({"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*role/team/r"}}), Yes)]
#[case::arn_not_equals(json!({"ArnNotEquals": {"aws:PrincipalArn": ROLE}}), No)]
#[case::arn_with_the_path_missing(json!({"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::111111111111:role/r"}}), No)]
#[case::string_like_across_a_colon(json!({"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*/r"}}), Yes)]
// ...IfExists condition operators: like the operator, or true if the key is absent.
#[case::if_exists_present(json!({"StringEqualsIfExists": {"aws:PrincipalTag/t": "two"}}), No)]
#[case::if_exists_absent(json!({"StringEqualsIfExists": {"aws:username": "x"}}), Yes)]
#[case::if_exists_and_absent_of_any_value(json!({"ForAnyValue:StringEqualsIfExists": {"aws:TagKeys": "x"}}), Yes)]
#[case::numeric_if_exists(json!({"NumericLessThanIfExists": {"aws:MultiFactorAuthAge": "3600"}}), Yes)]
#[case::bool_if_exists(json!({"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}), Yes)]
#[case::bool_of_what_may_be_absent(json!({"Bool": {"aws:MultiFactorAuthPresent": "false"}}), Maybe)]
#[case::bool_of_what_is_never_so(json!({"Bool": {"aws:MultiFactorAuthPresent": "true"}}), No)]
// Condition operator to check existence of condition keys.
#[case::null_true(json!({"Null": {"aws:PrincipalTag/t": "true"}}), No)]
#[case::null_false(json!({"Null": {"aws:PrincipalTag/t": false}}), Yes)]
#[case::null_of_an_absent_key(json!({"Null": {"aws:username": true}}), Yes)]
// Negated matching: true if the key is absent. Others are false.
#[case::absent_equals(json!({"StringEquals": {"aws:username": "x"}}), No)]
#[case::absent_not_equals(json!({"StringNotEquals": {"aws:username": "x"}}), Yes)]
#[case::absent_not_like(json!({"ArnNotLike": {"aws:SourceArn": "arn:aws:s3:::x"}}), Yes)]
#[case::absent_number(json!({"NumericGreaterThan": {"aws:MultiFactorAuthAge": "1"}}), No)]
fn operators(#[case] condition: Value, #[case] expected: AccessDecision) {
    assert_eq!(holds(&condition), expected);
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-logic-multiple-context-keys-or-values.html>
#[rstest]
#[case::values_are_alternatives(json!({"StringEquals": {"aws:PrincipalTag/t": ["x", "one"]}}), Yes)]
#[case::negated_values_are_all_excluded(json!({"StringNotEquals": {"aws:PrincipalTag/t": ["x", "one"]}}), No)]
#[case::keys_must_all_match(json!({"StringEquals": {"aws:PrincipalTag/t": "one", "aws:PrincipalAccount": "333333333333"}}), No)]
#[case::operators_must_all_match(json!({"StringEquals": {"aws:PrincipalTag/t": "one"}, "Bool": {"aws:SecureTransport": "false"}}), No)]
#[case::one_that_fails_decides(json!({"Bool": {"aws:SecureTransport": "false"}, "IpAddress": {"aws:SourceIp": "::/0"}}), No)]
#[case::one_that_is_unknown_leaves_it_open(json!({"Bool": {"aws:SecureTransport": "true"}, "IpAddress": {"aws:SourceIp": "::/0"}}), Maybe)]
#[case::no_condition(json!({}), Yes)]
#[case::no_value_matches_nothing(json!({"StringEquals": {"aws:PrincipalTag/t": []}}), No)]
fn several_keys_and_values(#[case] condition: Value, #[case] expected: AccessDecision) {
    assert_eq!(holds(&condition), expected);
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html>
#[rstest]
#[case::all_of_none(json!({"ForAllValues:StringEquals": {"aws:TagKeys": "x"}}), Yes)]
#[case::all_of_none_negated(json!({"ForAllValues:StringNotEquals": {"aws:TagKeys": "x"}}), Yes)]
#[case::any_of_none(json!({"ForAnyValue:StringEquals": {"aws:TagKeys": "x"}}), No)]
#[case::any_of_none_negated(json!({"ForAnyValue:StringNotEquals": {"aws:TagKeys": "x"}}), No)]
#[case::all_of_one(json!({"ForAllValues:StringLike": {"aws:PrincipalTag/t": ["x", "o*"]}}), Yes)]
#[case::any_of_one(json!({"ForAnyValue:StringLike": {"aws:PrincipalTag/t": ["x", "y*"]}}), No)]
fn sets_of_values(#[case] condition: Value, #[case] expected: AccessDecision) {
    assert_eq!(holds(&condition), expected);
}

/// The names of keys are case-insensitive, values are not:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition.html>
#[rstest]
#[case(json!({"StringEquals": {"AWS:principaltag/T": "one"}}), Yes)]
#[case(json!({"Bool": {"AWS:SECURETRANSPORT": "false"}}), No)]
fn names_of_keys_have_no_case(#[case] condition: Value, #[case] expected: AccessDecision) {
    assert_eq!(holds(&condition), expected);
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>
#[rstest]
#[case::known(json!({"StringEquals": {"aws:PrincipalTag/t": "${aws:PrincipalTag/t}"}}), Yes)]
#[case::known_in_a_text(json!({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::${aws:PrincipalAccount}:role/*"}}), Yes)]
#[case::of_the_resource(json!({"StringNotEquals": {"aws:ResourceAccount": "${aws:PrincipalAccount}"}}), Yes)]
#[case::default_of_an_absent_key(json!({"StringEquals": {"aws:PrincipalTag/t": "${aws:username, 'one'}"}}), Yes)]
#[case::unknown(json!({"StringEquals": {"aws:PrincipalTag/t": "${aws:PrincipalTag/team}"}}), Maybe)]
#[case::absent_without_a_default(json!({"StringEquals": {"aws:PrincipalTag/t": "${aws:username}"}}), Maybe)]
#[case::an_asterisk_is_no_wildcard(json!({"StringLike": {"aws:PrincipalTag/t": "${*}"}}), No)]
#[case::a_question_mark_is_no_wildcard(json!({"StringLike": {"aws:PrincipalTag/t": "on${?}"}}), No)]
#[case::never_closed(json!({"StringEquals": {"aws:PrincipalTag/t": "${aws:username"}}), Maybe)]
fn variables(#[case] condition: Value, #[case] expected: AccessDecision) {
    assert_eq!(holds(&condition), expected);
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html>
#[test]
fn the_first_version_of_the_language_has_no_variables() {
    let condition = json!({"StringEquals": {"aws:PrincipalTag/t": "${aws:PrincipalTag/t}"}});
    let decided = with_caller(&["one"], |caller| {
        let caller = PolicyCaller {
            has_variables: false,
            ..caller.clone()
        };
        hold(&condition, &caller).0
    });
    assert_eq!(decided, No);
}

fn applies(statement: &Value) -> AccessDecision {
    with_caller(&["one"], |caller| evaluate(statement, caller).0)
}

fn statement(mut changes: Value) -> Value {
    let mut statement = json!({"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"});
    for (name, value) in changes.as_object_mut().unwrap() {
        let negated = [("NotPrincipal", "Principal"), ("NotAction", "Action"), ("NotResource", "Resource")];
        if let Some((_, plain)) = negated.iter().find(|(negated, _)| negated == name) {
            statement.as_object_mut().unwrap().shift_remove(*plain);
        }
        statement[name] = value.take();
    }
    statement
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>,
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html>
#[rstest]
#[case::everyone(json!({"Principal": {"AWS": "*"}}), Yes)]
#[case::the_account(json!({"Principal": {"AWS": "111111111111"}}), Yes)]
#[case::its_root(json!({"Principal": {"AWS": ["arn:aws:iam::111111111111:root"]}}), Yes)]
#[case::the_role(json!({"Principal": {"AWS": ROLE}}), Yes)]
#[case::another_path(json!({"Principal": {"AWS": "arn:aws:iam::111111111111:role/r"}}), No)]
#[case::a_session_of_it(json!({"Principal": {"AWS": "arn:aws:sts::111111111111:assumed-role/r/x"}}), Maybe)]
#[case::a_wildcard_is_no_principal(json!({"Principal": {"AWS": "arn:aws:iam::111111111111:role/*"}}), No)]
#[case::a_deleted_role(json!({"Principal": {"AWS": "AROAEXAMPLEID1234567"}}), No)]
#[case::a_service(json!({"Principal": {"Service": "cloudtrail.amazonaws.com"}}), No)]
#[case::a_canonical_user(json!({"Principal": {"CanonicalUser": "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"}}), Maybe)]
#[case::a_canonical_user_is_usually_another(json!({"Effect": "Allow", "Principal": {"CanonicalUser": "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"}}), No)]
#[case::all_but_another(json!({"NotPrincipal": {"AWS": ["arn:aws:iam::111111111111:user/Bob", "arn:aws:iam::111111111111:root"]}}), Yes)]
#[case::all_but_the_account(json!({"NotPrincipal": {"AWS": "arn:aws:iam::111111111111:root"}}), Yes)]
#[case::all_but_the_role(json!({"NotPrincipal": {"AWS": ["arn:aws:iam::111111111111:root", ROLE]}}), Maybe)]
fn principals(#[case] changes: Value, #[case] expected: AccessDecision) {
    assert_eq!(applies(&statement(changes)), expected);
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html>,
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notaction.html>,
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html>,
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notresource.html>
#[rstest]
#[case::actions_have_no_case(json!({"Action": "S3:GETOBJECT"}), Yes)]
#[case::actions_have_wildcards(json!({"Action": ["s3:Put*", "s3:Get?bject"]}), Yes)]
#[case::another_action(json!({"Action": "s3:GetObjectVersion"}), No)]
#[case::any_action(json!({"Action": "*"}), Yes)]
#[case::all_but_this_action(json!({"NotAction": ["s3:Get*"]}), No)]
#[case::all_but_another_action(json!({"NotAction": "s3:Put*"}), Yes)]
#[case::all_objects(json!({"Resource": "arn:aws:s3:::b/*"}), Yes)]
#[case::some_objects(json!({"Resource": "arn:aws:s3:::b/secret/*"}), Maybe)]
#[case::the_bucket_itself(json!({"Resource": "arn:aws:s3:::b"}), No)]
#[case::all_but_some_objects(json!({"NotResource": "arn:aws:s3:::b/secret/*"}), Maybe)]
#[case::all_but_all_objects(json!({"NotResource": "arn:aws:s3:::b/*"}), No)]
#[case::part_by_part(json!({"Resource": "arn:aws:s3*b/*"}), No)]
#[case::a_variable_that_is_unknown(json!({"Resource": "arn:aws:s3:::b/${aws:username}/*"}), Maybe)]
#[case::a_variable_in_another_bucket(json!({"Resource": "arn:aws:s3:::c/${aws:username}/*"}), No)]
#[case::all_but_a_variable(json!({"NotResource": "arn:aws:s3:::b/${aws:username}/*"}), Maybe)]
fn actions_and_resources(#[case] changes: Value, #[case] expected: AccessDecision) {
    assert_eq!(applies(&statement(changes)), expected);
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html>
#[rstest]
#[case::denied_by_default(&[], No)]
#[case::allowed(&[("Allow", "s3:*", json!({}))], Yes)]
#[case::an_explicit_deny_overrides(&[("Allow", "s3:*", json!({})), ("Deny", "s3:GetObject", json!({}))], No)]
#[case::a_deny_of_others_does_not(&[("Allow", "s3:*", json!({})), ("Deny", "s3:PutObject", json!({}))], Yes)]
#[case::a_deny_that_never_holds(&[("Allow", "s3:*", json!({})), ("Deny", "s3:*", json!({"Bool": {"aws:SecureTransport": "false"}}))], Yes)]
#[case::a_deny_that_may_hold(&[("Allow", "s3:*", json!({})), ("Deny", "s3:*", json!({"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}))], Maybe)]
#[case::an_allow_that_may_hold(&[("Allow", "s3:*", json!({"StringEquals": {"aws:SourceVpce": "vpce-1"}}))], Maybe)]
fn a_deny_overrides(#[case] parts: &[(&str, &str, Value)], #[case] expected: AccessDecision) {
    let each = parts
        .iter()
        .map(|(effect, action, condition)| statement(json!({"Effect": effect, "Action": action, "Condition": condition})));
    let policy = json!({"Statement": each.collect::<Vec<_>>()});
    assert_eq!(with_caller(&["one"], |caller| allow(&[&policy], caller)), expected);
}

/// What is known of calls: `docs/customers.md` and the pages in [`super::context`].
#[rstest]
#[case::of_the_callers_account(json!({"StringNotEquals": {"kms:CallerAccount": "111111111111"}}), No)]
#[case::signature(json!({"StringNotEquals": {"s3:signatureversion": "AWS4-HMAC-SHA256"}}), No)]
#[case::region(json!({"StringNotEquals": {"aws:RequestedRegion": ["eu-central-1", "us-east-1"]}}), No)]
#[case::account(json!({"StringNotEquals": {"aws:ResourceAccount": "222222222222"}}), No)]
#[case::no_encryption_header(json!({"StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}}), Yes)]
#[case::no_encryption_header_is_accepted(json!({"StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}, "Null": {"s3:x-amz-server-side-encryption": "false"}}), No)]
#[case::no_encryption_header_if_exists(json!({"StringNotEqualsIfExists": {"s3:x-amz-server-side-encryption": "aws:kms"}}), Yes)]
#[case::no_customer_key(json!({"Null": {"s3:x-amz-server-side-encryption-customer-algorithm": "false"}}), No)]
#[case::no_acl(json!({"StringEquals": {"s3:x-amz-acl": "public-read"}}), No)]
#[case::no_acl_at_all(json!({"StringNotEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}}), Yes)]
#[case::no_tags(json!({"Null": {"s3:RequestObjectTag/class": "true"}}), Yes)]
#[case::direct_calls_of_the_key(json!({"StringNotEquals": {"kms:ViaService": "s3.eu-central-1.amazonaws.com"}}), Yes)]
#[case::calls_of_the_key_through_s3(json!({"StringEquals": {"kms:ViaService": "s3.eu-central-1.amazonaws.com"}}), Maybe)]
#[case::calls_of_the_key_through_others(json!({"StringEquals": {"kms:ViaService": "ec2.eu-central-1.amazonaws.com"}}), No)]
#[case::content_hash(json!({"StringEquals": {"s3:x-amz-content-sha256": "UNSIGNED-PAYLOAD"}}), Maybe)]
#[case::organization(json!({"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}), Maybe)]
fn what_is_known_of_calls(#[case] condition: Value, #[case] expected: AccessDecision) {
    assert_eq!(holds(&condition), expected);
}

fn from(origin: CallOrigin, condition: &Value) -> AccessDecision {
    let ask = |caller: &PolicyCaller| {
        let caller = PolicyCaller { origin, ..caller.clone() };
        hold(condition, &caller).0
    };
    with_caller(&["one"], ask)
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-network-properties>: the
/// properties of the network, over the internet, through an endpoint, and of the calls that S3 makes.
#[rstest]
#[case::address(json!({"IpAddress": {"aws:SourceIp": "52.57.0.0/16"}}), Yes, No, Maybe)]
#[case::one_address(json!({"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "52.57.10.20"]}}), Maybe, No, Maybe)]
#[case::another_address(json!({"IpAddress": {"aws:SourceIp": "52.58.0.0/16"}}), No, No, Maybe)]
#[case::another_family(json!({"IpAddress": {"aws:SourceIp": "::/0"}}), No, No, Maybe)]
#[case::no_address(json!({"IpAddress": {"aws:SourceIp": "office"}}), Maybe, No, Maybe)]
#[case::not_the_address(json!({"NotIpAddress": {"aws:SourceIp": "52.57.0.0/16"}}), No, Yes, Maybe)]
#[case::not_the_address_if_exists(json!({"NotIpAddressIfExists": {"aws:SourceIp": "52.57.0.0/16"}}), No, Yes, Maybe)]
#[case::address_exists(json!({"Null": {"aws:SourceIp": "true"}}), No, Yes, Maybe)]
#[case::endpoint(json!({"StringEquals": {"aws:SourceVpce": "vpce-0123456789abcdef0"}}), No, Yes, No)]
#[case::not_the_endpoint(json!({"StringNotEquals": {"aws:SourceVpce": "vpce-0123456789abcdef0"}}), Yes, No, Yes)]
#[case::not_another_endpoint(json!({"StringNotEqualsIfExists": {"aws:SourceVpce": "vpce-1"}}), Yes, Yes, Yes)]
#[case::vpc(json!({"StringEquals": {"aws:SourceVpc": "vpc-1"}}), No, Maybe, No)]
#[case::organization(json!({"StringNotEquals": {"aws:VpceOrgID": "o-a1b2c3d4e5"}}), Yes, Maybe, Yes)]
#[case::by_a_service(json!({"BoolIfExists": {"aws:ViaAWSService": "false"}}), Yes, Yes, No)]
fn networks(
    #[case] condition: Value,
    #[case] over_internet: AccessDecision,
    #[case] through_endpoint: AccessDecision,
    #[case] of_s3: AccessDecision,
) {
    let endpoint = VpcEndpointId::parse("vpce-0123456789abcdef0").unwrap();
    assert_eq!(
        from(CallOrigin::Addresses("52.57.10.16/28".parse().unwrap()), &condition),
        over_internet
    );
    assert_eq!(from(CallOrigin::Endpoint(&endpoint), &condition), through_endpoint);
    assert_eq!(from(CallOrigin::S3, &condition), of_s3);
    let organization = OrganizationId::parse("o-a1b2c3d4e5").unwrap();
    let of_organization = json!({"StringNotEquals": {"aws:VpceOrgID": "o-a1b2c3d4e5"}});
    assert_eq!(from(CallOrigin::Organization(&organization), &of_organization), No);
}

/// During a rotation, a session has one of two tags.
#[rstest]
#[case(json!({"StringEquals": {"aws:PrincipalTag/t": "one"}}), Maybe)]
#[case(json!({"StringNotEquals": {"aws:PrincipalTag/t": "one"}}), Maybe)]
#[case(json!({"StringEquals": {"aws:PrincipalTag/t": ["one", "two"]}}), Yes)]
#[case(json!({"StringEquals": {"aws:PrincipalTag/t": "three"}}), No)]
fn a_session_has_one_of_two_tags(#[case] condition: Value, #[case] expected: AccessDecision) {
    assert_eq!(with_caller(&["one", "two"], |caller| hold(&condition, caller).0), expected);
}

/// Every operator on a key with one value, and its negation.
const NEGATED: [(&str, &str); 6] = [
    ("StringEquals", "StringNotEquals"),
    ("StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"),
    ("StringLike", "StringNotLike"),
    ("ArnEquals", "ArnNotEquals"),
    ("ArnLike", "ArnNotLike"),
    ("NumericEquals", "NumericNotEquals"),
];

fn matches(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => matches(rest, text) || !text.is_empty() && matches(pattern, &text[1..]),
        (Some((wanted, rest)), Some((byte, others))) => (*wanted == b'?' || wanted == byte) && matches(rest, others),
        _ => false,
    }
}

proptest! {
    /// A negated operator says the opposite of a present key, whatever it is compared with.
    #[test]
    fn negation_is_the_opposite(pair in 0..NEGATED.len(), wanted in prop::collection::vec("[on*?e1]{0,3}|arn:aws:iam::[1*]{1,12}:role/[a-z*/]{1,6}", 1..4), key in "aws:PrincipalTag/t|aws:PrincipalArn") {
        let (plain, negated) = NEGATED[pair];
        prop_assert_eq!(holds(&json!({plain: {&key: &wanted}})), holds(&json!({negated: {&key: &wanted}})).not());
    }

    /// `IfExists` changes nothing for a present key, and makes an absent one match.
    #[test]
    fn if_exists_is_about_absent_keys(pair in 0..NEGATED.len(), set in "(ForAnyValue:|ForAllValues:)?", wanted in "[on*?e]{0,3}") {
        for operator in [NEGATED[pair].0, NEGATED[pair].1] {
            let with = |suffix: &str, key: &str| holds(&json!({format!("{set}{operator}{suffix}"): {key: &wanted}}));
            prop_assert_eq!(with("IfExists", "aws:PrincipalTag/t"), with("", "aws:PrincipalTag/t"));
            prop_assert_eq!(with("IfExists", "aws:username"), Yes);
        }
    }

    /// Several values are alternatives, and several conditions must all hold.
    #[test]
    fn values_are_alternatives_and_conditions_add_up(one in "[on*?e]{0,3}", other in "[on*?e]{0,3}") {
        let like = |values: &[&str]| holds(&json!({"StringLike": {"aws:PrincipalTag/t": values}}));
        prop_assert_eq!(like(&[&one, &other]), like(&[&one]).max(like(&[&other])));
        let both = holds(&json!({"StringLike": {"aws:PrincipalTag/t": &one}, "StringNotLike": {"aws:PrincipalTag/t": &other}}));
        prop_assert_eq!(both, like(&[&one]).min(like(&[&other]).not()));
    }

    /// Checked by trying every way in which a pattern can match.
    #[test]
    fn wildcards_are_those_of_aws(pattern in "[ab*?]{0,6}", text in "[ab]{0,6}") {
        prop_assert_eq!(glob(pattern.as_bytes(), text.as_bytes()), matches(pattern.as_bytes(), text.as_bytes()));
    }

    /// `NotAction` and `NotResource` are the opposite of what they negate.
    #[test]
    fn not_elements_are_the_opposite(action in "s3:[GgPu*?]{1,2}(tObject|etObject|\\*)?", resource in "arn:aws:s3:::[b*?]{1,2}(/\\*)?") {
        let of = |changes: Value| applies(&statement(changes));
        prop_assert_eq!(of(json!({"Action": &action})), of(json!({"NotAction": &action})).not());
        prop_assert_eq!(of(json!({"Resource": &resource})), of(json!({"NotResource": &resource})).not());
    }
}
