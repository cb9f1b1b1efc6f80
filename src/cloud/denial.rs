//! Parses the message of an access denial: which service denied it, and which kind of policy. AWS extends its messages
//! from time to time (with a policy's ARN, or a console link), so this searches inside the text, and keeps none of it.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>

use crate::domain::account::AccountId;
use crate::domain::api_result::{AccessDenied, DenialReason, DeniedBy, PolicyKind};
use crate::domain::arn::{KeyArn, PolicyArn};

/// AWS's names of the policy kinds.
const KINDS: [(&str, PolicyKind); 8] = [
    ("role trust policy", PolicyKind::RoleTrust),
    ("identity-based policy", PolicyKind::Identity),
    ("resource-based policy", PolicyKind::Resource),
    ("permissions boundary", PolicyKind::PermissionsBoundary),
    ("session policy", PolicyKind::Session),
    ("service control policy", PolicyKind::ServiceControl),
    ("resource control policy", PolicyKind::ResourceControl),
    ("vpc endpoint policy", PolicyKind::VpcEndpoint),
];

/// KMS's message for a key in another account that does not exist, or whose policy allows nothing or denies. All three are
/// on the key's side.
const KEY_DENIES: &str = "no resource-based policies allow access";

/// S3's messages when it is not a policy that denies deleting a version.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html>,
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMFADelete.html>
const PROTECTIONS: [(&str, DenialReason); 2] = [
    ("protected by object lock", DenialReason::ObjectLock),
    ("mfa authentication must be used", DenialReason::MfaDelete),
];

/// The end of S3's message for a put without a checksum, where new objects are retained by default.
const LOCK_PARAMETERS: &str = "with object lock parameters";

/// Actions that a caller needs because its session has tags or a source identity, which AWS passes on. Only the vendor can prevent
/// that.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html#id_credentials_temp_control-access_monitor-chain>
const INHERITED: [&str; 2] = ["sts:TagSession", "sts:SetSourceIdentity"];

/// Parses the message of an access denial by `asked`.
pub(crate) fn parse(asked: DeniedBy, message: &str) -> AccessDenied {
    let lower = message.to_ascii_lowercase();
    let by = match asked {
        DeniedBy::S3 if mentions_kms(&lower) => DeniedBy::Kms,
        asked => asked,
    };
    AccessDenied {
        by,
        reason: reason(asked, message, &lower),
        key: words(message).find_map(|word| KeyArn::parse(word).ok()).map(|key| key.to_string()),
        action: words(message)
            .find(|word| is_kms_action(word) || INHERITED.contains(word))
            .map(str::to_owned),
        policy: words(message)
            .map(|word| word.trim_end_matches(':'))
            .find_map(|word| PolicyArn::parse(word).ok()),
    }
}

/// The denial of a put that lacks a checksum, which S3 requires only where new objects are retained by default.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html#object-lock-put-object>
pub(crate) fn without_checksum(asked: DeniedBy, message: &str) -> Option<AccessDenied> {
    let is_locked = asked == DeniedBy::S3 && message.to_ascii_lowercase().contains(LOCK_PARAMETERS);
    is_locked.then_some(AccessDenied {
        by: asked,
        reason: DenialReason::ObjectLock,
        key: None,
        action: None,
        policy: None,
    })
}

/// S3 calls KMS on the caller's behalf and passes its denial on. When in doubt, KMS denied the call: it would be worse to
/// mistake an unauthorized caller that S3 allowed for one that it denied than the reverse.
fn mentions_kms(lower: &str) -> bool {
    [
        "kms:",
        "kms key",
        "customer master key",
        "the ciphertext refers to",
        "does not exist in this region",
        KEY_DENIES,
    ]
    .iter()
    .any(|mark| lower.contains(mark))
}

fn reason(asked: DeniedBy, message: &str, lower: &str) -> DenialReason {
    if asked == DeniedBy::S3
        && let Some((_, protection)) = PROTECTIONS.iter().find(|(mark, _)| lower.contains(mark))
    {
        return *protection;
    }
    if asked == DeniedBy::Sts && refused_action(message).is_some_and(|action| INHERITED.contains(&action)) {
        return DenialReason::NotAllowedBy(PolicyKind::Identity);
    }
    let denied_by = behind(lower, "explicit deny in ").find_map(|rest| {
        let articles = ["an ", "a ", "the "];
        kind_at(articles.iter().find_map(|article| rest.strip_prefix(article)).unwrap_or(rest))
    });
    if let Some(kind) = denied_by {
        return DenialReason::DeniedBy(kind);
    }
    if let Some(kind) = behind(lower, "because no ").find_map(kind_at) {
        return DenialReason::NotAllowedBy(kind);
    }
    if lower.contains(KEY_DENIES) {
        return DenialReason::NotAllowedBy(PolicyKind::Resource);
    }
    if lower.contains("with an explicit deny") {
        return DenialReason::DeniedSomewhere;
    }
    DenialReason::Unsaid
}

/// The account in "for account: 222222222222", of a region or a service that is not active in it.
pub(crate) fn account(message: &str) -> Option<AccountId> {
    let mut words = message.split(|c: char| !c.is_ascii_digit());
    words.find_map(|word| AccountId::parse(word).ok())
}

/// The text after each occurrence of `mark`.
fn behind<'a>(text: &'a str, mark: &'static str) -> impl Iterator<Item = &'a str> {
    text.match_indices(mark).map(|(at, mark)| &text[at + mark.len()..])
}

fn kind_at(rest: &str) -> Option<PolicyKind> {
    KINDS.iter().find(|(name, _)| rest.starts_with(name)).map(|(_, kind)| *kind)
}

fn words(message: &str) -> impl Iterator<Item = &str> {
    message
        .split_whitespace()
        .map(|word| word.trim_matches(|c: char| matches!(c, '"' | '\'' | '(' | ')' | ',' | '.' | ';')))
}

/// The action in "is not authorized to perform: X" or "allows the X action".
fn refused_action(message: &str) -> Option<&str> {
    let next = words(message).skip(1);
    words(message).zip(next).find_map(|(word, next)| match (word, next) {
        ("perform:", action) => Some(action),
        (action, "action") if action.contains(':') => Some(action),
        _ => None,
    })
}

fn is_kms_action(word: &str) -> bool {
    word.strip_prefix("kms:")
        .is_some_and(|name| !name.is_empty() && name.len() <= 64 && name.bytes().all(|b| b.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    const KEY: &str = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    const USER: &str = "User: arn:aws:sts::123456789012:assumed-role/docs/latchkey-1 is not authorized to perform: ";

    #[rstest]
    #[case(
        "because no identity-based policy allows the X action",
        DenialReason::NotAllowedBy(PolicyKind::Identity)
    )]
    #[case(
        "because no resource-based policy allows the X action",
        DenialReason::NotAllowedBy(PolicyKind::Resource)
    )]
    #[case("because no session policy allows the X action", DenialReason::NotAllowedBy(PolicyKind::Session))]
    #[case(
        "because no service control policy allows the X action",
        DenialReason::NotAllowedBy(PolicyKind::ServiceControl)
    )]
    #[case(
        "because no resource control policy allows the X action",
        DenialReason::NotAllowedBy(PolicyKind::ResourceControl)
    )]
    #[case(
        "because no VPC endpoint policy allows the X action",
        DenialReason::NotAllowedBy(PolicyKind::VpcEndpoint)
    )]
    #[case(
        "because no permissions boundary allows the X action",
        DenialReason::NotAllowedBy(PolicyKind::PermissionsBoundary)
    )]
    #[case("with an explicit deny in an identity-based policy", DenialReason::DeniedBy(PolicyKind::Identity))]
    #[case("with an explicit deny in a resource-based policy", DenialReason::DeniedBy(PolicyKind::Resource))]
    #[case("with an explicit deny in a session policy", DenialReason::DeniedBy(PolicyKind::Session))]
    #[case(
        "with an explicit deny in a service control policy",
        DenialReason::DeniedBy(PolicyKind::ServiceControl)
    )]
    #[case(
        "with an explicit deny in a resource control policy",
        DenialReason::DeniedBy(PolicyKind::ResourceControl)
    )]
    #[case("with an explicit deny in a VPC endpoint policy", DenialReason::DeniedBy(PolicyKind::VpcEndpoint))]
    #[case(
        "with an explicit deny in a permissions boundary",
        DenialReason::DeniedBy(PolicyKind::PermissionsBoundary)
    )]
    #[case("with an explicit deny", DenialReason::DeniedSomewhere)]
    #[case(
        "because public policies are blocked by the BlockPublicPolicy block public access setting.",
        DenialReason::Unsaid
    )]
    #[case("because object protected by object lock.", DenialReason::ObjectLock)]
    #[case("Mfa Authentication must be used for this request", DenialReason::MfaDelete)]
    #[case("", DenialReason::Unsaid)]
    fn the_reason_is_found_anywhere_in_the_message(#[case] clause: &str, #[case] expected: DenialReason) {
        for middle in [r#" on resource: "arn:aws:s3:::docs/latchkey-probe/1""#, ""] {
            for tail in [
                "",
                ".",
                ": arn:aws:iam::123456789012:policy/docs-deny",
                " (Console: https://console.aws.amazon.com/iam)",
            ] {
                let message = format!("{USER}s3:PutObject{middle} {clause}{tail}");
                let refusal = parse(DeniedBy::S3, &message);
                assert_eq!((refusal.reason, refusal.by), (expected, DeniedBy::S3), "{message}");
                assert_eq!((refusal.key, refusal.action), (None, None));
            }
        }
    }

    #[rstest]
    #[case::named(
        "kms:GenerateDataKey on resource: {KEY} because no identity-based policy allows the kms:GenerateDataKey action",
        DenialReason::NotAllowedBy(PolicyKind::Identity),
        true,
        Some("kms:GenerateDataKey")
    )]
    #[case::quoted(
        "kms:Decrypt on resource: \"{KEY}\" with an explicit deny in a resource-based policy",
        DenialReason::DeniedBy(PolicyKind::Resource),
        true,
        Some("kms:Decrypt")
    )]
    #[case::key_not_named(
        "kms:GenerateDataKey on this resource because the resource does not exist in this Region, no resource-based policies allow \
         access, or a resource-based policy explicitly denies access",
        DenialReason::NotAllowedBy(PolicyKind::Resource),
        false,
        Some("kms:GenerateDataKey")
    )]
    fn a_kms_denial_passed_on_by_s3_is_recognized(
        #[case] text: &str,
        #[case] reason: DenialReason,
        #[case] named: bool,
        #[case] action: Option<&str>,
    ) {
        let message = format!("{USER}{}", text.replace("{KEY}", KEY));
        let expected = AccessDenied {
            by: DeniedBy::Kms,
            reason,
            key: named.then(|| KEY.to_owned()),
            action: action.map(str::to_owned),
            policy: None,
        };
        assert_eq!(parse(DeniedBy::S3, &message), expected);
    }

    #[rstest]
    #[case(
        "Access Denied because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based \
         policy explicitly denies access"
    )]
    #[case(
        "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access."
    )]
    #[case("The ciphertext refers to a KMS key that does not exist.")]
    fn kms_is_recognized_by_its_phrases(#[case] message: &str) {
        let refusal = parse(DeniedBy::S3, message);
        assert_eq!((refusal.by, refusal.key, refusal.action), (DeniedBy::Kms, None, None));
    }

    #[rstest]
    #[case("Access Denied")]
    #[case("")]
    #[case(
        "User: arn:aws:sts::123456789012:assumed-role/kms-role/s is not authorized to perform: s3:GetObject on resource: \"arn:aws:s3:::kms-docs/x\""
    )]
    fn s3_denials_are_not_mistaken_for_kms(#[case] message: &str) {
        assert_eq!(parse(DeniedBy::S3, message).by, DeniedBy::S3);
    }

    #[rstest]
    #[case("sts:AssumeRole on resource: arn:aws:iam::210987654321:role/docs", DenialReason::Unsaid)]
    #[case(
        "sts:AssumeRole on resource: arn:aws:iam::210987654321:role/docs because no identity-based policy allows the sts:AssumeRole action",
        DenialReason::NotAllowedBy(PolicyKind::Identity)
    )]
    #[case(
        "sts:AssumeRole on resource: arn:aws:iam::210987654321:role/docs because no resource-based policy allows the sts:AssumeRole action",
        DenialReason::NotAllowedBy(PolicyKind::Resource)
    )]
    #[case(
        "sts:TagSession on resource: arn:aws:iam::210987654321:role/docs",
        DenialReason::NotAllowedBy(PolicyKind::Identity)
    )]
    #[case(
        "sts:SetSourceIdentity on resource: arn:aws:iam::210987654321:role/docs",
        DenialReason::NotAllowedBy(PolicyKind::Identity)
    )]
    #[case(
        "sts:TagSession because no resource-based policy allows the sts:TagSession action",
        DenialReason::NotAllowedBy(PolicyKind::Identity)
    )]
    fn vendor_side_sts_denials_are_recognized(#[case] text: &str, #[case] reason: DenialReason) {
        let refusal = parse(DeniedBy::Sts, &format!("{USER}{text}"));
        assert_eq!((refusal.by, refusal.reason), (DeniedBy::Sts, reason));
    }

    #[rstest]
    #[case(
        "sts:AssumeRole because no role trust policy allows the sts:AssumeRole action",
        DenialReason::NotAllowedBy(PolicyKind::RoleTrust),
        None
    )]
    #[case(
        "sts:AssumeRole on resource: arn:aws:iam::210987654321:role/docs with an explicit deny in a resource control policy, with policy \
         ARN: arn:aws:organizations::777788889999:policy/o-exampleorgid/resource_control_policy/p-examplepolicyid",
        DenialReason::DeniedBy(PolicyKind::ResourceControl),
        Some("arn:aws:organizations::777788889999:policy/o-exampleorgid/resource_control_policy/p-examplepolicyid")
    )]
    #[case(
        "sts:AssumeRole with an explicit deny in an identity-based policy: arn:aws:iam::123456789012:policy/security/no-chaining",
        DenialReason::DeniedBy(PolicyKind::Identity),
        Some("arn:aws:iam::123456789012:policy/security/no-chaining")
    )]
    fn the_policy_that_denied_is_named(#[case] text: &str, #[case] reason: DenialReason, #[case] policy: Option<&str>) {
        let refusal = parse(DeniedBy::Sts, &format!("{USER}{text}"));
        assert_eq!((refusal.reason, refusal.policy.as_ref().map(PolicyArn::as_str)), (reason, policy));
    }

    #[test]
    fn an_account_is_named() {
        let named = |message| account(message).map(|account| account.to_string());
        assert_eq!(
            named(
                "STS is not activated in this region for account:222222222222. Your account administrator can activate STS in this region using the IAM Console."
            ),
            Some("222222222222".into())
        );
        assert_eq!(named("STS is not activated in this region for account:XYZ."), None);
    }

    proptest! {
        #[test]
        fn arbitrary_input_does_not_panic(
            garbage: String,
            mark in prop::sample::select(vec!["explicit deny in a", "because no ", "perform: ", "kms:", "arn:aws:kms:"]),
        ) {
            for asked in [DeniedBy::Sts, DeniedBy::S3, DeniedBy::Kms] {
                let _ = (parse(asked, &garbage), parse(asked, &format!("{garbage}{mark}{garbage}")), parse(asked, &format!("{garbage}{mark}")));
            }
        }

        #[test]
        fn only_a_key_arn_and_an_action_are_kept(garbage: String) {
            let refusal = parse(DeniedBy::S3, &format!("{garbage} kms:{garbage} {garbage}"));
            prop_assert!(refusal.key.is_none_or(|key| KeyArn::parse(&key).is_ok()));
            prop_assert!(refusal.action.is_none_or(|action| is_kms_action(&action)));
        }
    }
}
